// Starts the real programs for a test and ends them by their own process ids.

import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const gatepost = process.env.GATEPOST ?? "../target/debug/gatepost";

export const user = "CONTOSO\\svc-gatepost";
export const password = "Correct-Horse-1";
export const tenant = "contoso.onmicrosoft.com";
export const application = "6a7e9057-0000-4000-8000-000000000001";

/** A folder with the programs that were started in it. */
export class Programs {
  readonly folder = mkdtempSync(join(tmpdir(), "gatepost-e2e-"));
  readonly passwordFile = join(this.folder, "password");
  readonly data = join(this.folder, "data");
  private readonly children: ChildProcess[] = [];

  constructor() {
    writeFileSync(this.passwordFile, `${password}\n`, { mode: 0o600 });
  }

  private simulation?: ChildProcess;

  /** A simulated organization; where it listens. */
  async exchange(...more: string[]): Promise<string> {
    const address = await this.start(
      ["simulate", "on-premises", "--listen", "127.0.0.1:0", "--devices", "300", "--seed", "7"].concat(
        ["--still", "--user", user, "--password-file", this.passwordFile],
        more,
      ),
      /(http:\/\/127\.0\.0\.1:\d+\/PowerShell\/)/i,
    );
    this.simulation = this.children[this.children.length - 1];
    return address;
  }

  /** A simulated hosted organization; where it listens, and what a connector needs to be told. */
  async hosted(...more: string[]) {
    const folder = mkdtempSync(join(this.folder, "tenant-"));
    const address = await this.start(
      ["simulate", "hosted", "--devices", "120", "--seed", "7", "--still", "--certificates", folder].concat(more),
      /Exchange Online listens on (https:\/\/127\.0\.0\.1:\d+)/,
    );
    this.simulation = this.children[this.children.length - 1];
    const file = (name: string) => join(folder, name);
    return { address, certificate: file("application.pem"), root: readFileSync(file("root.pem"), "utf8") };
  }

  /** Types a cmdlet at the console of the simulated organization; done when it has answered. */
  type(cmdlet: string): Promise<void> {
    const child = this.simulation;
    return new Promise((resolve, reject) => {
      const read = (chunk: Buffer) => {
        child?.stdout?.off("data", read);
        const answer = String(chunk).trim();
        if (answer.startsWith("error")) reject(new Error(answer));
        else resolve();
      };
      child?.stdout?.on("data", read);
      child?.stdin?.write(`${cmdlet}\n`);
    });
  }

  /** A server on an empty directory; where it listens, and the token that opens it. */
  async server(): Promise<{ url: string; token: string }> {
    const url = await this.start(
      ["serve", "--data", this.data, "--listen", "127.0.0.1:0"],
      /gatepost listens on (http:\/\/127\.0\.0\.1:\d+)/,
    );
    return { url, token: readFileSync(join(this.data, "local-admin.token"), "utf8").trim() };
  }

  /** An OpenID provider for a client with this secret; where it listens, and a way to change its keys. */
  async provider(redirectUri: string, secret: string, ...folder: string[]) {
    const program = [process.execPath, "provider.mjs", redirectUri, secret, ...folder];
    const issuer = await this.spawn(program, /the provider listens on (https?:\/\/[\w.]+:\d+)/);
    const child = this.children[this.children.length - 1];
    const rotate = () =>
      new Promise<void>((changed) => {
        child.stdout?.on("data", (chunk: Buffer) => {
          if (String(chunk).includes("the keys are changed")) changed();
        });
        child.kill("SIGHUP");
      });
    return { issuer, rotate };
  }

  /**
   * A token service for one application, known by its certificate; where it listens, the authority to
   * trust it by, and a way to wait for the next thing it says.
   */
  async tokenService(application: string, tenant: string, certificate: string, algorithm: string) {
    const folder = mkdtempSync(join(this.folder, "token-service-"));
    const told = [application, tenant, certificate, algorithm, folder];
    const program = [process.execPath, "token-service.mjs", ...told];
    const url = await this.spawn(program, /the token service listens on (https:\/\/[\w.]+:\d+)/);
    const child = this.children[this.children.length - 1];
    const said = (pattern: RegExp) =>
      new Promise<string>((heard) => {
        let output = "";
        const read = (chunk: Buffer) => {
          output += chunk;
          const match = output.match(pattern);
          if (!match) return;
          child.stdout?.off("data", read);
          heard(match[1]);
        };
        child.stdout?.on("data", read);
      });
    return { url, authority: join(folder, "service.pem"), said };
  }

  /** A file that only its owner reads. */
  file(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  }

  /** A command that ends by itself. */
  run(...args: string[]) {
    execFileSync(gatepost, [...args, "--data", this.data], { stdio: "inherit" });
  }

  /** Ends every program, the last one first, and takes the folder away. */
  async stop() {
    for (const child of this.children.reverse()) {
      child.removeAllListeners("exit");
      await new Promise((ended) => child.once("exit", ended).kill("SIGTERM"));
    }
    rmSync(this.folder, { recursive: true });
  }

  /** Starts a program and waits for the line that says where it listens. */
  private start(args: string[], pattern: RegExp): Promise<string> {
    return this.spawn([gatepost, ...args], pattern);
  }

  private spawn([program, ...args]: string[], pattern: RegExp): Promise<string> {
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
    this.children.push(child);
    return new Promise((resolve, reject) => {
      let output = "";
      const read = (chunk: Buffer) => {
        output += chunk;
        const match = output.match(pattern);
        if (match) resolve(match[1]);
      };
      child.stdout.on("data", read);
      child.stderr.on("data", read);
      child.on("exit", () => reject(new Error(`${args.join(" ")} ended:\n${output}`)));
    });
  }
}

/** The address of a server that is switched off: a port that was free a moment ago. */
export async function offline(): Promise<string> {
  const listener = createServer();
  await new Promise<void>((listening) => listener.listen(0, "127.0.0.1", listening));
  const address = listener.address();
  await new Promise((closed) => listener.close(closed));
  if (address === null || typeof address === "string") throw new Error("no port");
  return `http://127.0.0.1:${address.port}/PowerShell/`;
}
