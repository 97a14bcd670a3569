// Starts a simulated organization that stands still and a server that has read it, and ends both
// by their own process ids.

import { spawn, execFileSync, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const gatepost = process.env.GATEPOST ?? "../target/debug/gatepost";

/** Starts a program and waits for the line that says where it listens. */
function start(args: string[], pattern: RegExp): Promise<[ChildProcess, string]> {
  const child = spawn(gatepost, args, { stdio: ["ignore", "pipe", "pipe"] });
  return new Promise((resolve, reject) => {
    let output = "";
    const read = (chunk: Buffer) => {
      output += chunk;
      const match = output.match(pattern);
      if (match) resolve([child, match[1]]);
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.on("exit", () => reject(new Error(`${args.join(" ")} ended:\n${output}`)));
  });
}

export default async function () {
  const folder = mkdtempSync(join(tmpdir(), "gatepost-e2e-"));
  const password = join(folder, "password");
  writeFileSync(password, "Correct-Horse-1\n", { mode: 0o600 });
  const [exchange, organization] = await start(
    ["simulate", "on-premises", "--listen", "127.0.0.1:0", "--devices", "300", "--seed", "7"].concat(
      ["--still", "--user", "CONTOSO\\svc-gatepost", "--password-file", password],
    ),
    /(http:\/\/127\.0\.0\.1:\d+\/PowerShell\/)/i,
  );
  const data = join(folder, "data");
  const [server, console_] = await start(
    ["serve", "--data", data, "--listen", "127.0.0.1:0"],
    /gatepost listens on (http:\/\/127\.0\.0\.1:\d+)/,
  );
  const run = (...args: string[]) => execFileSync(gatepost, [...args, "--data", data], { stdio: "inherit" });
  run(
    ...["connector", "add", "lab", "--on-premises", organization, "--auth", "ntlm"],
    ...["--username", "CONTOSO\\svc-gatepost", "--password-file", password],
  );
  run("sync", "lab", "--full", "--wait");
  process.env.GATEPOST_URL = console_;
  process.env.GATEPOST_TOKEN = readFileSync(join(data, "local-admin.token"), "utf8").trim();
  return async () => {
    for (const child of [server, exchange]) {
      child.removeAllListeners("exit");
      await new Promise((ended) => child.once("exit", ended).kill("SIGTERM"));
    }
    rmSync(folder, { recursive: true });
  };
}
