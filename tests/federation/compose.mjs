// Compose the subgraphs in the named files with two independent composers; prints their verdicts as JSON.
import { readFileSync } from "node:fs";
import { composeServices as apollo } from "@apollo/composition";
import { composeServices as guild } from "@theguild/federation-composition";
import { parse } from "graphql";

const services = process.argv.slice(2).map((file) => ({
  name: file.replace(".graphql", ""),
  url: `http://${file.replace(".graphql", "")}.example/graphql`,
  typeDefs: parse(readFileSync(file, "utf8")),
}));
const verdict = ({ errors, supergraphSdl }) => ({
  errors: (errors ?? []).map((error) => error.message),
  supergraph: supergraphSdl ?? "",
});
console.log(JSON.stringify({ apollo: verdict(apollo(services)), guild: verdict(guild(services)) }));
