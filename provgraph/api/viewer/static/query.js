// A place to write GraphQL without network: write, run, read; what can be asked comes from introspection.
"use strict";

const EXAMPLE = `{
  sourceCollections(first: 10) {
    edges {
      node { name operator rows attributes { name unit ucd } }
    }
    pageInfo { hasNextPage endCursor }
  }
}
`;
const INTROSPECTION = `{
  __schema {
    queryType { name } mutationType { name }
    types {
      name kind description
      fields { name description type { ...T } args { name description defaultValue type { ...T } } }
      inputFields { name description defaultValue type { ...T } }
      enumValues { name }
    }
  }
}
fragment T on __Type { name kind ofType { name kind ofType { name kind ofType { name kind ofType { name kind ofType { name kind } } } } } }`;

const at = (id) => document.getElementById(id);
const parameters = new URLSearchParams(location.search);
at("query").value = parameters.get("query") || EXAMPLE;
at("variables").value = parameters.get("variables") || "";

async function ask(query, variables) {
  const answer = await fetch("/graphql", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ query, variables }),
  });
  return answer.json();
}

function show(value, bad) {
  at("answer").textContent = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  at("answer").classList.toggle("bad", bad);
}

async function run() {
  const query = at("query").value;
  const text = at("variables").value.trim();
  let variables = {};
  try {
    variables = text ? JSON.parse(text) : {};
  } catch (error) {
    return show(`The variables are no JSON: ${error.message}`, true);
  }
  const address = new URLSearchParams(text ? { query, variables: text } : { query });
  history.replaceState(null, "", `/graphql?${address}`);
  at("took").textContent = "…";
  const began = performance.now();
  try {
    const answer = await ask(query, variables);
    show(answer, Boolean(answer.errors));
    at("took").textContent = `${Math.round(performance.now() - began)} ms`;
  } catch (error) {
    show(`The service does not answer: ${error.message}`, true);
    at("took").textContent = "";
  }
}

at("run").addEventListener("click", run);
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    run();
  }
});

// -- what can be asked ---------------------------------------------------------------------------

function make(tag, text, ...children) {
  const element = document.createElement(tag);
  if (text) element.textContent = text;
  element.append(...children);
  return element;
}

function written(type) {
  if (type.kind === "NON_NULL") return `${written(type.ofType)}!`;
  if (type.kind === "LIST") return `[${written(type.ofType)}]`;
  return type.name;
}

function named(type) {
  return type.ofType ? named(type.ofType) : type.name;
}

function entry(field, known) {
  const inputs = (field.args || []).map((a) => `${a.name}: ${written(a.type)}${a.defaultValue ? ` = ${a.defaultValue}` : ""}`);
  const name = make("code", `${field.name}${inputs.length ? `(${inputs.join(", ")})` : ""}: `);
  const target = named(field.type);
  const type = make(known.has(target) ? "button" : "code", written(field.type));
  if (known.has(target)) {
    type.type = "button";
    type.addEventListener("click", () => {
      const details = at(`type-${target}`);
      details.open = true;
      details.scrollIntoView({ block: "nearest" });
      details.querySelector("summary").focus();
    });
  }
  const parts = [make("dt", "", name, type)];
  if (field.description) parts.push(make("dd", field.description));
  return parts;
}

function explore(schema) {
  const types = schema.types.filter((t) => !t.name.startsWith("__") && t.kind !== "SCALAR");
  const known = new Set(types.map((t) => t.name));
  const first = [schema.queryType.name, schema.mutationType && schema.mutationType.name];
  const rank = (type) => (first.includes(type.name) ? first.indexOf(type.name) : first.length);
  types.sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
  for (const type of types) {
    const list = make("dl", "", ...(type.fields || type.inputFields || []).flatMap((f) => entry(f, known)));
    for (const value of type.enumValues || []) list.append(make("dt", value.name));
    const details = make("details", "", make("summary", "", make("strong", type.name)));
    if (type.description) details.append(make("p", type.description));
    details.append(list);
    details.id = `type-${type.name}`;
    details.open = first.includes(type.name);
    at("explorer").append(details);
  }
}

ask(INTROSPECTION, {}).then((answer) => explore(answer.data.__schema)).catch((error) => {
  at("explorer").textContent = `The schema cannot be shown: ${error.message}`;
});
