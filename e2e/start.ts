// A simulated organization that stands still and a server that has read it, for every test that
// only looks.

import { Programs, user } from "./programs.ts";

export default async function () {
  const programs = new Programs();
  const organization = await programs.exchange();
  const { url, token } = await programs.server();
  programs.run(
    ...["connector", "add", "lab", "--on-premises", organization, "--auth", "ntlm"],
    ...["--username", user, "--password-file", programs.passwordFile],
  );
  programs.run("sync", "lab", "--full", "--wait");
  process.env.GATEPOST_URL = url;
  process.env.GATEPOST_TOKEN = token;
  return () => programs.stop();
}
