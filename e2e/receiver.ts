// A program that takes webhooks, and answers as it is told.

import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";

export type Got = { headers: IncomingHttpHeaders; body: string };

export class Receiver {
  readonly got: Got[] = [];
  /** Statuses to answer with, one after the other; then 204. */
  readonly answers: number[] = [];
  private readonly server: Server;

  private constructor() {
    this.server = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk));
      request.on("end", () => {
        this.got.push({ headers: request.headers, body });
        response.writeHead(this.answers.shift() ?? 204).end();
      });
    });
  }

  static async listening(): Promise<Receiver> {
    const receiver = new Receiver();
    await new Promise<void>((listening) => receiver.server.listen(0, "127.0.0.1", listening));
    return receiver;
  }

  get url(): string {
    const address = this.server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    return `http://127.0.0.1:${address.port}/hook`;
  }

  close() {
    this.server.closeAllConnections();
    return new Promise((closed) => this.server.close(closed));
  }
}

/** Whether a message was signed with this secret. */
export function isSigned(secret: string, { headers, body }: Got): boolean {
  const key = Buffer.from(secret.replace("whsec_", ""), "base64");
  const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`;
  const wanted = Buffer.from(`v1,${createHmac("sha256", key).update(signed).digest("base64")}`);
  const given = String(headers["webhook-signature"]).split(" ").map((one) => Buffer.from(one));
  return given.some((one) => one.length === wanted.length && timingSafeEqual(one, wanted));
}
