// Neo4j Community inside this process, for tests: java -cp 'lib/*' Neo4j.java DIRECTORY PASSWORD
// Prints "READY <port>" and runs until its standard input ends, so it never outlives who started it.

import java.nio.file.Path;
import java.time.Duration;
import org.neo4j.configuration.GraphDatabaseSettings;
import org.neo4j.configuration.connectors.BoltConnector;
import org.neo4j.configuration.connectors.ConnectorPortRegister;
import org.neo4j.configuration.connectors.ConnectorType;
import org.neo4j.configuration.helpers.SocketAddress;
import org.neo4j.dbms.api.DatabaseManagementServiceBuilder;
import org.neo4j.io.ByteUnit;
import org.neo4j.io.fs.FileUtils;
import org.neo4j.kernel.internal.GraphDatabaseAPI;

class Neo4j {
    public static void main(String[] arguments) throws Exception {
        var management = new DatabaseManagementServiceBuilder(Path.of(arguments[0]))
            .setConfig(BoltConnector.enabled, true)
            .setConfig(BoltConnector.listen_address, new SocketAddress("127.0.0.1", 0))
            .setConfig(GraphDatabaseSettings.auth_enabled, true)
            .setConfig(GraphDatabaseSettings.pagecache_memory, ByteUnit.mebiBytes(256))
            .setConfig(GraphDatabaseSettings.check_point_interval_time, Duration.ofMinutes(5))
            .build();
        management.database("system").executeTransactionally(
            "ALTER USER neo4j SET PASSWORD '" + arguments[1] + "' CHANGE NOT REQUIRED");
        var resolver = ((GraphDatabaseAPI) management.database("neo4j")).getDependencyResolver();
        var address = resolver.resolveDependency(ConnectorPortRegister.class).getLocalAddress(ConnectorType.BOLT);
        System.out.println("READY " + address.getPort());
        while (System.in.read() >= 0) { }
        FileUtils.deleteDirectory(Path.of(arguments[0]));
        Runtime.getRuntime().halt(0);
    }
}
