"use strict";

// Reads a JSON object from the standard input:
//   client: "pop-core", "openapi-client" (V3) or "openapi-client-v1"; method: GET or POST;
//   endpoint, accessKeyId, accessKeySecret;
//   jobs: a list of {version, submit, parameters, query, idParameter, state, endStates}.
// Submits each job, queries it until its end state, and writes a list of the last responses as JSON.

const { createRequire } = require("node:module");
const path = require("node:path");

// The packages are installed in the working directory, not next to this file.
const load = createRequire(path.join(process.cwd(), "package.json"));

function popCore(settings) {
  const { RPCClient } = load("@alicloud/pop-core");
  return (version, action, parameters) => {
    const client = new RPCClient({
      accessKeyId: settings.accessKeyId,
      accessKeySecret: settings.accessKeySecret,
      endpoint: `http://${settings.endpoint}`,
      apiVersion: version,
    });
    return client.request(action, parameters, { method: settings.method });
  };
}

function openapiClient(settings, signatureAlgorithm) {
  const { default: Client, Config, OpenApiRequest, Params } = load("@alicloud/openapi-client");
  const { RuntimeOptions } = load("@alicloud/tea-util");
  const client = new Client(
    new Config({
      accessKeyId: settings.accessKeyId,
      accessKeySecret: settings.accessKeySecret,
      endpoint: settings.endpoint,
      protocol: "http",
      signatureAlgorithm,
    }),
  );
  return async (version, action, parameters) => {
    const params = new Params({
      action,
      version,
      protocol: "HTTP",
      pathname: "/",
      method: settings.method,
      authType: "AK",
      style: "RPC",
      reqBodyType: "formData",
      bodyType: "json",
    });
    const request = new OpenApiRequest(settings.method === "GET" ? { query: parameters } : { body: parameters });
    const response = await client.callApi(params, request, new RuntimeOptions({}));
    return response.body;
  };
}

const CLIENTS = {
  "pop-core": popCore,
  "openapi-client": (settings) => openapiClient(settings),
  "openapi-client-v1": (settings) => openapiClient(settings, "v2"),
};

function at(value, keys) {
  return keys.reduce((inner, key) => (inner === undefined ? undefined : inner[key]), value);
}

async function run(call, job) {
  const { JobId } = await call(job.version, job.submit, job.parameters);
  for (;;) {
    const response = await call(job.version, job.query, { [job.idParameter]: JobId });
    if (job.endStates.includes(at(response, job.state))) {
      return response;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function main() {
  let text = "";
  for await (const chunk of process.stdin) {
    text += chunk;
  }
  const settings = JSON.parse(text);
  const call = CLIENTS[settings.client](settings);
  const responses = [];
  for (const job of settings.jobs) {
    responses.push(await run(call, job));
  }
  process.stdout.write(JSON.stringify(responses));
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
});
