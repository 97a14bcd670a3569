// An OpenID provider on a free loopback port, for the tests of signing in: the certified npm package
// oidc-provider, with two people and their groups. It is told where Gatepost takes browsers back, and
// what the client's secret is. SIGHUP changes its keys, as providers do now and then. With a folder it
// speaks TLS, with a certificate of an authority of its own that it leaves there.

import { execFileSync } from "node:child_process";
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { join } from "node:path";

import Provider from "oidc-provider";

const [redirectUri, secret, folder] = process.argv.slice(2);
const signedOutUri = new URL("/sign-in", redirectUri).toString();

const people = {
  jane: { name: "Jane Doe", email: "jane@contoso.test", groups: ["Help desk", "Everybody"] },
  otto: { name: "Otto Normal", email: "otto@contoso.test", groups: ["Everybody"] },
};

/** A key that this provider never had before. */
function key() {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { ...privateKey.export({ format: "jwk" }), kid: randomUUID(), use: "sig", alg: "RS256" };
}

function provider(issuer) {
  return new Provider(issuer, {
    jwks: { keys: [key()] },
    cookies: { keys: [randomUUID()] },
    clients: [
      {
        client_id: "gatepost",
        client_secret: secret,
        redirect_uris: [redirectUri],
        post_logout_redirect_uris: [signedOutUri],
        grant_types: ["authorization_code"],
        response_types: ["code"],
      },
    ],
    // The person and the groups are asked for apart from the token, as is this provider's way.
    claims: {
      openid: ["sub"],
      profile: ["name", "preferred_username"],
      email: ["email"],
      groups: ["groups"],
    },
    scopes: ["openid", "profile", "email", "groups"],
    pkce: { required: () => true },
    async findAccount(_, id) {
      const person = people[id];
      if (!person) return undefined;
      return { accountId: id, claims: () => ({ sub: id, preferred_username: id, ...person }) };
    },
  });
}

/** An authority of its own, and a certificate by it for this machine. */
function certified() {
  const path = (name) => join(folder, name);
  const openssl = (subject, key, out, ...more) =>
    execFileSync(
      "openssl",
      ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", subject].concat(
        ["-keyout", path(key), "-out", path(out)],
        more,
      ),
      { stdio: "ignore" },
    );
  openssl("/CN=Contoso Root", "ca.key", "ca.pem", "-addext", "keyUsage=critical,keyCertSign");
  openssl(
    ...["/CN=localhost", "tls.key", "tls.pem", "-CA", path("ca.pem"), "-CAkey", path("ca.key")],
    ...["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"],
  );
  return { key: readFileSync(path("tls.key")), cert: readFileSync(path("tls.pem")) };
}

const server = folder ? createTlsServer(certified()) : createServer();
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address();
  const issuer = folder ? `https://localhost:${port}` : `http://127.0.0.1:${port}`;
  let answers = provider(issuer).callback();
  server.on("request", (request, response) => answers(request, response));
  process.on("SIGHUP", () => {
    answers = provider(issuer).callback();
    console.log("the keys are changed");
  });
  console.log(`the provider listens on ${issuer}`);
});
process.on("SIGTERM", () => process.exit(0));
