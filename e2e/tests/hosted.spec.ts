// A hosted organization through the browser alone: chosen, signed in to with a certificate, synced, and a
// phone wiped of which nobody will hear again.

import { expect, test, type Page } from "@playwright/test";

import { application, Programs, tenant } from "../programs.ts";
import { audit, listen, signIn } from "./page.ts";

const next = (page: Page) => page.getByRole("button", { name: "Continue" }).click();

test("a hosted organization is set up, synced and acted on", async ({ page }) => {
  test.setTimeout(180_000);
  const programs = new Programs();
  const complaints = listen(page);
  try {
    const hosted = await programs.hosted("--hide", "Set-CASMailbox");
    const { url, token } = await programs.server();
    await signIn(page, url, token);
    await page.getByRole("link", { name: "Connect an organization" }).click();
    await general(page, hosted);
    await account(page, hosted.certificate);
    await settled(page);
    await connected(page);
    await wiped(page);
    expect(complaints).toEqual([]);
  } finally {
    await programs.stop();
  }
});

async function general(page: Page, hosted: { address: string; root: string }) {
  await page.getByLabel("Name", { exact: true }).fill("cloud");
  await expect(page.getByLabel("Address of an Exchange server")).toBeVisible();
  await page.getByLabel("Hosted: Exchange Online").check();
  await expect(page.getByLabel("Address of an Exchange server")).toBeHidden();
  await next(page);
  await expect(page.getByRole("alert")).toContainText("1 field needs another look.");
  await audit(page);
  await page.getByLabel("Tenant", { exact: true }).fill(tenant);
  await page.getByText("Seldom needed").first().click();
  await page.getByLabel("Another address of the Exchange service").fill(hosted.address);
  await page.getByLabel("Another address to sign in at").fill(hosted.address);
  await page.getByLabel("More certificate authorities").fill(hosted.root);
  await audit(page);
  await next(page);
}

async function account(page: Page, certificate: string) {
  await expect(page.getByRole("heading", { level: 2, name: "Account" })).toBeVisible();
  await expect(page.getByLabel("User name", { exact: true })).toBeHidden();
  await page.getByLabel("Application", { exact: true }).fill(application);
  await page.locator('input[type="file"]').setInputFiles(certificate);
  await audit(page);
  await next(page);
}

/** What is left is right as it stands. */
async function settled(page: Page) {
  await next(page);
  await next(page);
  await expect(page.getByRole("region", { name: "General" })).toContainText(tenant);
  await expect(page.getByRole("region", { name: "Account" })).toContainText(/Certificate\s*given/);
  expect(await page.content()).not.toContain("PRIVATE KEY");
  await audit(page);
  await page.getByRole("button", { name: "Add and connect" }).click();
}

async function connected(page: Page) {
  const permissions = page.getByRole("region", { name: "Permissions" });
  await expect(permissions).toContainText("A sync works.", { timeout: 30_000 });
  // What the service does not have for this application is said, with what it would be for.
  await expect(permissions).toContainText("Set-CASMailbox");
  await expect(page.locator("#inventory")).toContainText("120", { timeout: 60_000 });
  const connection = page.getByRole("region", { name: "Connection" });
  await expect(connection).toContainText(tenant);
  await expect(connection).toContainText(application);
  await expect(connection).toContainText("Expires");
  await audit(page);
}

/** The wipe is carried out, and nobody claims to know more than that. */
async function wiped(page: Page) {
  await page.getByRole("link", { name: "Show its devices" }).click();
  await expect(page.getByRole("status")).toHaveText("120 devices");
  const { origin } = new URL(page.url());
  await page.goto(`${origin}/devices?query=state:allowed%20type:iPhone`);
  await page.locator("tbody tr a").first().click();
  await page.getByRole("link", { name: "Erase entire phone" }).click();
  await expect(page.getByText("never reports back").first()).toBeVisible();
  await audit(page);
  await page.getByLabel("Reason").fill("lost in a train");
  const typed = page.getByLabel(/^Type .* to confirm$/);
  await typed.fill(await page.locator('label[for="typed"] code').innerText());
  await page.getByRole("button", { name: "Erase entire phone" }).click();
  await expect(page).toHaveURL(/\/requests\//);
  await expect(page.getByText("nobody can say whether it took effect").first()).toBeVisible({ timeout: 60_000 });
  await audit(page);
}
