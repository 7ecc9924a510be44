// The calls of test_openai_node.py, with OpenAI's client as it is; prints one JSON object of their results.
// usage: node calls.mjs URL MODEL < TEXTS.json
import { readFileSync } from "node:fs";
import OpenAI, { AuthenticationError, BadRequestError, NotFoundError } from "openai";

const [url, model] = process.argv.slice(2);
const texts = JSON.parse(readFileSync(0, "utf8"));
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "key", maxRetries: 0 });
const embed = (options, of = client) => of.embeddings.create({ model, input: texts, ...options });
const vectors = (answer) => answer.data.map((item) => item.embedding);

async function failure(call) {
  try {
    await call;
    return null;
  } catch (error) {
    const kind = [NotFoundError, BadRequestError, AuthenticationError].find((known) => error instanceof known);
    return { kind: kind?.name, status: error.status, code: error.code, type: error.type, param: error.param, message: error.message };
  }
}

async function names(page) {
  const found = [];
  for await (const item of page) found.push(item.id);
  return found;
}

const one = await embed({ input: texts[0] });
const results = {
  string: vectors(one),
  usage: one.usage,
  // The client asks for base64 if it is not told a format, and decodes it.
  list: vectors(await embed({})),
  float: vectors(await embed({ encoding_format: "float" })),
  base64: vectors(await embed({ encoding_format: "base64" })),
  dimensions: vectors(await embed({ dimensions: 64 })),
  together: (await Promise.all(texts.map((text) => embed({ input: text })))).flatMap(vectors),
  models: await names(client.models.list()),
  model: (await client.models.retrieve(model)).id,
  unknown: await failure(embed({ model: "none" })),
  ids: await failure(embed({ input: [1, 2, 3] })),
  key: await failure(embed({}, client.withOptions({ apiKey: "wrong" }))),
};
console.log(JSON.stringify(results));
