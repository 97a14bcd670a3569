// Four people with four roles in their own browsers: the help desk lets a phone in and may not wipe,
// operations wipe many, which stops at the guard, the security officer decides, the auditor reads
// the whole story.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

import { expect, test, type Browser, type Page } from "@playwright/test";

import { Programs, gatepost, user } from "../programs.ts";
import { audit, listen } from "./page.ts";

const password = "Plum-Ladder-Seven-River";

/** Somebody of a role, signed in with name and password in a browser of their own. */
async function person(browser: Browser, server: string, name: string): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await page.goto(new URL("/sign-in", server).toString());
  await page.getByLabel("User name").fill(name);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page.locator(".person")).toHaveText(name);
  return page;
}

test("help desk, operations, security officer and auditor each do their part", async ({ browser }) => {
  test.setTimeout(240_000);
  const programs = new Programs();
  try {
    // After the first cmdlets each further one takes a while: a run of wipes can be stopped midway.
    const organization = await programs.exchange("--budget", "cmdlets=60,period=3600,delay=300");
    const { url } = await programs.server();
    programs.run(
      ...["connector", "add", "lab", "--on-premises", organization, "--auth", "ntlm"],
      ...["--username", user, "--password-file", programs.passwordFile],
    );
    programs.run("sync", "lab", "--full", "--wait");
    const secret = programs.file("their-password", password);
    const roles = { hanna: "help-desk", oskar: "operations-administrator", sofia: "security-officer", anton: "auditor" };
    for (const [name, role] of Object.entries(roles)) {
      programs.run("user", "add", name, "--role", role, "--password-file", secret);
    }
    const at = (path: string) => new URL(path, url).toString();

    const hanna = await person(browser, url, "hanna");
    const complaints = listen(hanna);
    await expect(hanna.getByRole("heading", { name: "Home" })).toBeVisible();
    await audit(hanna);
    await hanna.getByRole("link", { name: /^Allow for/ }).first().click();
    await hanna.getByLabel("Reason").fill("a new phone of ours");
    await hanna.getByRole("button", { name: /^Allow for/ }).click();
    await expect(hanna.getByText("Done, and read back from Exchange.")).toBeVisible({ timeout: 60_000 });
    await hanna.locator("#rows").getByRole("link").first().click();
    await expect(hanna.locator(".why")).toContainText("Allowed");
    await expect(hanna.getByRole("link", { name: "Erase entire phone" })).toHaveCount(0);
    await audit(hanna);
    // Who types the address is refused as well.
    const device = hanna.url().split("/").pop();
    const refused = await hanna.goto(at(`/devices/act?action=wipe-device&device=${device}`));
    expect(refused?.status()).toBe(403);
    await audit(hanna);
    expect(complaints).toEqual([]);

    const oskar = await person(browser, url, "oskar");
    await oskar.goto(at("/devices/act?action=wipe-account&query=state:allowed"));
    await expect(oskar.getByRole("status")).toContainText("It will wait for a second person.");
    await oskar.getByLabel("Reason").fill("the office was broken into");
    await oskar.getByRole("button", { name: /^Erase mail account/ }).click();
    await expect(oskar.getByText("You asked for it, so somebody else has to decide.")).toBeVisible();
    const request = oskar.url();

    const sofia = await person(browser, url, "sofia");
    await sofia.getByRole("link", { name: /^Approvals/ }).click();
    await expect(sofia.locator("#waiting")).toContainText("the office was broken into");
    await audit(sofia);
    await sofia.locator("#waiting h2").getByRole("link").click();
    await audit(sofia);
    await sofia.getByRole("button", { name: /^Approve/ }).click();
    await sofia.goto(at("/approvals"));
    await sofia.getByRole("link", { name: "Take back all wipes that were not sent" }).click();
    await sofia.getByRole("button", { name: "Take them back" }).click();
    await expect(sofia.getByRole("status").first()).toContainText(/\d+ wipes taken back\./);
    await oskar.goto(request);
    await expect(oskar.getByRole("main")).toContainText("Cancelled by sofia");

    const anton = await person(browser, url, "anton");
    await anton.goto(at("/audit"));
    const story = anton.getByRole("main");
    await expect(story).toContainText("the office was broken into");
    await expect(story).toContainText("a new phone of ours");
    await expect(story).toContainText("sofia");
    await audit(anton);
    const command = await story.locator("code", { hasText: "gatepost audit verify" }).innerText();
    const key = command.split("--key ")[1].trim();
    const exported = anton.waitForEvent("download");
    await anton.getByRole("link", { name: /JSON lines/ }).click();
    const file = await (await exported).path();
    const verify = (path: string) =>
      execFileSync(gatepost, ["audit", "verify", path, "--key", key], { stdio: "pipe" });
    verify(file);
    const text = readFileSync(file, "utf8");
    const bent = programs.file("bent.jsonl", text.replace("a new phone of ours", "a new phone of yours"));
    expect(() => verify(bent)).toThrow(/entry \d+/);
  } finally {
    await programs.stop();
  }
});
