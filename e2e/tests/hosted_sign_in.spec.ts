// An application signs in to hosted Exchange with its certificate, at a token service that shares no code
// with us: it verifies the signature, for whom it is meant, by which certificate, and that nothing is said
// twice.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";

import { expect, test } from "@playwright/test";

import { gatepost, Programs } from "../programs.ts";

const application = "a9911ca7-1040-4000-8000-000000000002";
const tenant = "contoso.onmicrosoft.com";
const password = "of-the-file";

const keys = [
  { kind: "RSA", key: ["rsa:2048"], algorithm: "PS256" },
  { kind: "EC", key: ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], algorithm: "ES256" },
];

/** A key and its certificate, as PEM and as PFX. */
function made(programs: Programs, key: string[]) {
  const path = (name: string) => join(programs.folder, name);
  const openssl = (...told: string[]) => execFileSync("openssl", told, { stdio: "ignore" });
  const pair = ["-keyout", path("app.key"), "-out", path("app.crt")];
  openssl("req", "-x509", "-nodes", "-newkey", ...key, ...pair, "-days", "30", "-subj", "/CN=Gatepost");
  const both = ["-inkey", path("app.key"), "-in", path("app.crt")];
  openssl("pkcs12", "-export", ...both, "-out", path("app.pfx"), "-passout", `pass:${password}`);
  const pem = readFileSync(path("app.crt"), "utf8") + readFileSync(path("app.key"), "utf8");
  return { registered: path("app.crt"), pem: programs.file("app.pem", pem), pfx: path("app.pfx") };
}

/** Says to the token service again what was said before; the status it answers with. */
function saidAgain(url: string, authority: string, assertion: string): Promise<number> {
  const body = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: application,
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    client_assertion: assertion,
  }).toString();
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  return new Promise((answered, failed) => {
    const address = `${url}/${tenant}/oauth2/v2.0/token`;
    const options = { method: "POST", headers, ca: readFileSync(authority) };
    const sent = request(address, options, (answer) => answered(answer.resume().statusCode ?? 0));
    sent.on("error", failed).end(body);
  });
}

for (const { kind, key, algorithm } of keys) {
  test(`a certificate with a key of ${kind} is believed once for each token`, async () => {
    test.setTimeout(180_000);
    const programs = new Programs();
    try {
      const { registered, pem, pfx } = made(programs, key);
      const service = await programs.tokenService(application, tenant, registered, algorithm);
      await programs.server();
      const files = [
        ["from-pem", "--certificate", pem],
        [
          ...["from-pfx", "--certificate", pfx],
          ...["--certificate-password-file", programs.file("pfx-password", password)],
        ],
      ];
      for (const [name, ...certificate] of files) {
        const granted = service.said(/granted for (\S+)/);
        const where = ["--login-url", service.url, "--service-url", service.url];
        programs.run(
          ...["connector", "add", name, "--hosted", tenant, "--app-id", application],
          ...[...where, "--ca-file", service.authority, ...certificate],
        );
        const assertion = await granted;
        const refused = service.said(/(refused: .*)/);
        expect(await saidAgain(service.url, service.authority, assertion)).toBe(401);
        expect(await refused).toContain("only be used once");
        programs.run("connector", "remove", name, "--yes");
      }
    } finally {
      await programs.stop();
    }
  });
}

test("a certificate that is not registered is named", async () => {
  test.setTimeout(180_000);
  const programs = new Programs();
  try {
    const { registered } = made(programs, keys[0].key);
    const other = new Programs();
    const { pem } = made(other, keys[0].key);
    const service = await programs.tokenService(application, tenant, registered, "PS256");
    await programs.server();
    const refused = service.said(/(refused: .*)/);
    const where = ["--login-url", service.url, "--service-url", service.url];
    programs.run(
      ...["connector", "add", "stranger", "--hosted", tenant, "--app-id", application],
      ...[...where, "--ca-file", service.authority, "--certificate", pem],
    );
    await refused;
    await other.stop();
    const told = ["connector", "check", "stranger", "-o", "json", "--data", programs.data];
    const check = (() => {
      try {
        return execFileSync(gatepost, told, { encoding: "utf8" });
      } catch (error) {
        return String((error as { stdout: string }).stdout);
      }
    })();
    expect(check).toContain("sign in");
    expect(check).toContain("invalid_client");
  } finally {
    await programs.stop();
  }
});
