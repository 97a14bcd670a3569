// The auditor: sees the whole story of an action, looks through and exports it, and may do nothing else.

import { expect, test } from "@playwright/test";

import { Programs, password, user } from "../programs.ts";
import { audit, listen } from "./page.ts";

test("the auditor reads the story of an action and can do nothing", async ({ page }) => {
  const programs = new Programs();
  const complaints = listen(page);
  try {
    const organization = await programs.exchange();
    const { url } = await programs.server();
    programs.run(
      ...["connector", "add", "lab", "--on-premises", organization, "--auth", "ntlm"],
      ...["--username", user, "--password-file", programs.passwordFile],
    );
    programs.run("sync", "lab", "--full", "--wait");
    programs.run("user", "add", "olga", "--role", "auditor", "--password-file", programs.passwordFile);
    programs.run(
      ...["device", "allow", "--query", "state:quarantined", "--yes"],
      ...["--reason", "phones of the board", "--ticket", "INC-9"],
    );

    await page.goto(`${url}/sign-in?next=/audit`);
    await page.getByLabel("User name").fill("olga");
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await expect(page.getByRole("heading", { name: "Audit", level: 1 })).toBeVisible();
    await expect(page.locator(".head .state")).toContainText("entries so far");
    await audit(page);

    const find = async (event: string) => {
      await page.goto(`${url}/audit`);
      await page.getByLabel("Event").selectOption(event);
      await page.getByRole("button", { name: "Search" }).click();
    };
    const first = page.locator("tbody tr").first();
    await find("action.asked");
    await expect(first).toContainText("reason: phones of the board");
    await expect(first).toContainText("ticket: INC-9");
    await expect(first).toContainText("cli");
    await audit(page);
    await find("action.answered");
    await expect(first).toContainText("answer:");
    await expect(async () => {
      await find("action.observed");
      await expect(first).toContainText("answer:", { timeout: 1000 });
    }).toPass({ timeout: 30_000 });

    // The whole, verified by another program than the one that handed it out.
    await page.goto(`${url}/audit`);
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: "Export JSON lines" }).click(),
    ]);
    const file = programs.file("audit.jsonl", "");
    await download.saveAs(file);
    programs.run("audit", "verify", file);

    await page.getByRole("button", { name: "Verify everything now" }).click();
    await expect(page.getByRole("status")).toContainText("being verified");
    await audit(page);
    await expect(page.getByText("Close old entries by itself")).toHaveCount(0);
    for (const path of ["/audit/retention", "/audit/stream", "/audit/stream/remove"]) {
      const headers = { origin: url, "sec-fetch-site": "same-origin" };
      const refused = await page.request.post(url + path, { form: { days: "" }, headers });
      expect(refused.status()).toBe(403);
    }
    await page.goto(`${url}/audit?outcome=refused`);
    await expect(first).toContainText("olga");
    await expect(first).toContainText("refused");
    await page.goto(`${url}/devices`);
    await expect(page.getByRole("checkbox")).toHaveCount(0);
    expect(complaints).toEqual([]);
  } finally {
    await programs.stop();
  }
});
