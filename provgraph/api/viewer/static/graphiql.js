// Starts the vendored GraphiQL on our own endpoint; everything it loads comes from this service.
"use strict";

const EXAMPLE = `# Source Collections of this survey, newest first. Ctrl-Enter runs it; the book on the left shows what can be asked.
{
  sourceCollections(first: 10) {
    edges {
      node { name operator rows attributes { name unit ucd } }
    }
    pageInfo { hasNextPage endCursor }
  }
}
`;

const given = new URLSearchParams(location.search);

async function fetcher(parameters) {
  const answer = await fetch("/graphql", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(parameters),
  });
  return answer.json();
}

ReactDOM.createRoot(document.getElementById("graphiql")).render(
  React.createElement(GraphiQL, {
    fetcher,
    query: given.get("query") || undefined,
    variables: given.get("variables") || undefined,
    defaultQuery: EXAMPLE,
    shouldPersistHeaders: false,
  }),
);
