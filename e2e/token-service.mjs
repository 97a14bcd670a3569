// A token service on a free loopback port, for the test of signing in to hosted Exchange: the certified npm
// package oidc-provider, at the addresses that Microsoft's has. It knows one application, by the certificate
// registered for it, and verifies what the application says of itself: signature, audience, thumbprint, time,
// and that nothing is said twice. It speaks TLS, with a certificate that it leaves in the folder.

import { execFileSync } from "node:child_process";
import { X509Certificate, createHash, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { join } from "node:path";

import Provider, { errors } from "oidc-provider";

const [application, tenant, registered, algorithm, folder] = process.argv.slice(2);
const certificate = new X509Certificate(readFileSync(registered));
const thumbprint = createHash("sha256").update(certificate.raw).digest("base64url");
const scope = "https://outlook.office365.com/.default";

execFileSync(
  "openssl",
  ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"].concat(
    ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
    ["-keyout", join(folder, "service.key"), "-out", join(folder, "service.pem")],
  ),
  { stdio: "ignore" },
);

function service(issuer) {
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: application,
        grant_types: ["client_credentials"],
        redirect_uris: [],
        response_types: [],
        scope,
        token_endpoint_auth_method: "private_key_jwt",
        token_endpoint_auth_signing_alg: algorithm,
        jwks: { keys: [{ ...certificate.publicKey.export({ format: "jwk" }), kid: "registered" }] },
      },
    ],
    clientAuthMethods: ["private_key_jwt"],
    enabledJWA: { clientAuthSigningAlgValues: ["PS256", "RS256", "ES256", "ES384"] },
    cookies: { keys: [randomUUID()] },
    features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
    routes: { token: `/${tenant}/oauth2/v2.0/token` },
    scopes: [scope],
    async assertJwtClientAuthClaimsAndHeader(_, claims, header) {
      if (header["x5t#S256"] !== thumbprint) {
        throw new errors.InvalidClientAuth("the thumbprint is not that of the registered certificate");
      }
      if (claims.aud !== `${issuer}/${tenant}/oauth2/v2.0/token`) {
        throw new errors.InvalidClientAuth("the audience is not the address of the service");
      }
      if (claims.exp - claims.nbf > 3600) {
        throw new errors.InvalidClientAuth("what is said is valid for too long");
      }
    },
  });
  provider.on("grant.success", (ctx) => console.log(`granted for ${ctx.oidc.params.client_assertion}`));
  provider.on("grant.error", (_, error) => console.log(`refused: ${error.error_detail ?? error.message}`));
  return provider.callback();
}

const server = createServer({
  key: readFileSync(join(folder, "service.key")),
  cert: readFileSync(join(folder, "service.pem")),
});
server.listen(0, "127.0.0.1", () => {
  const issuer = `https://localhost:${server.address().port}`;
  server.on("request", service(issuer));
  console.log(`the token service listens on ${issuer}`);
});
process.on("SIGTERM", () => process.exit(0));
