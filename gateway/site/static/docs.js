"use strict";
// Shows /api/v1/openapi.json as a page. Builds nodes and sets text, never HTML.

const make = (tag, text, className) => {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  if (className) node.className = className;
  return node;
};

const refName = (schema) => schema.$ref.split("/").pop();

// What a field may be: the words of a choice themselves, also where it has a name of its own.
const typeName = (schema, components) => {
  const named = (part) => typeName(part, components);
  if (schema.$ref) {
    const target = components[refName(schema)];
    return target && target.enum ? named(target) : refName(schema);
  }
  if (schema.anyOf) return schema.anyOf.map(named).join(" | ");
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.type === "array") return `[${schema.items ? named(schema.items) : ""}]`;
  return [].concat(schema.type || "any").join(" | ");
};

// Everything that is said of a field, wherever in its schema it is said; and its bounds.
const BOUNDS = { minimum: "at least", maximum: "at most", minLength: "length at least",
  maxLength: "length at most", pattern: "matches", default: "default" };

const remarks = (schema) => {
  const said = schema.description ? [schema.description] : [];
  for (const [key, words] of Object.entries(BOUNDS)) {
    if (schema[key] !== undefined && schema[key] !== null) said.push(`${words} ${schema[key]}`);
  }
  return said.concat(...(schema.anyOf || []).map(remarks));
};

const fieldRow = (name, schema, required, components) => {
  const row = make("tr");
  row.append(make("td", name + (required ? " *" : "")), make("td", typeName(schema, components)));
  row.append(make("td", [...new Set(remarks(schema))].join("; ")));
  return row;
};

const fieldTable = (title, rows) => {
  const box = make("div");
  const table = make("table");
  table.append(...rows);
  box.append(make("h4", title), table);
  return box;
};

const structTable = (title, schema, components, shown = new Set()) => {
  const box = make("div");
  const target = schema.$ref ? components[refName(schema)] : schema;
  if (schema.$ref) shown.add(refName(schema));
  if (!target || !target.properties) {
    box.append(make("h4", `${title}: ${typeName(schema, components)}`));
    return box;
  }
  const required = new Set(target.required || []);
  const fields = Object.entries(target.properties);
  box.append(fieldTable(title, fields.map(([name, inner]) => fieldRow(name, inner, required.has(name), components))));
  if (target.description) box.insertBefore(make("p", target.description), box.lastChild);
  for (const [, inner] of fields) {
    const parts = [inner, inner.items, ...(inner.anyOf || [])];
    const nested = parts.find((part) => part && part.$ref && !components[refName(part)].enum);
    if (nested && !shown.has(refName(nested))) {
      box.append(structTable(refName(nested), nested, components, shown));
    }
  }
  return box;
};

const operationBox = (method, path, operation, components) => {
  const box = make("details", undefined, "operation");
  const summary = make("summary");
  summary.append(make("code", method.toUpperCase(), "method"), make("code", path));
  summary.append(make("span", operation.summary));
  if (operation.security) summary.append(make("em", operation.description));
  box.append(summary);
  const parameters = operation.parameters || [];
  if (parameters.length) {
    box.append(fieldTable("Parameters", parameters.map((p) => fieldRow(`${p.name} (${p.in})`, p.schema, p.required, components))));
  }
  if (operation.requestBody) {
    box.append(structTable("Body", operation.requestBody.content["application/json"].schema, components));
  }
  for (const [status, response] of Object.entries(operation.responses)) {
    if (!response.content) {
      box.append(make("p", `Answer ${status}: ${response.description}, without a body`));
      continue;
    }
    const schema = response.content["application/json"]?.schema;
    if (!schema?.properties?.data) {
      box.append(make("p", `Answer ${status}: a file, ${Object.keys(response.content).join(" or ")}`));
    } else if (status < "300") {
      box.append(structTable(`Answer ${status}, data`, schema.properties.data.items || schema.properties.data, components));
    } else {
      box.append(make("p", `${status} ${response.description}`, "failure"));
    }
  }
  return box;
};

const show = (document_) => {
  document.getElementById("about").textContent = document_.info.description;
  const main = document.getElementById("operations");
  for (const { name } of document_.tags) {
    const section = make("section");
    section.append(make("h2", name));
    for (const [path, methods] of Object.entries(document_.paths)) {
      for (const [method, operation] of Object.entries(methods)) {
        if (operation.tags.includes(name)) {
          section.append(operationBox(method, document_.servers[0].url + path, operation, document_.components.schemas));
        }
      }
    }
    main.append(section);
  }
};

fetch("/api/v1/openapi.json")
  .then((answer) => answer.json())
  .then(show)
  .catch((error) => {
    document.getElementById("about").textContent = `The description can't be loaded: ${error}`;
  });
