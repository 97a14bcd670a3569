// From an empty server to a synced organization through the browser alone, with everything that
// goes wrong on the way.

import { expect, test, type Page } from "@playwright/test";

import { offline, password, Programs, user } from "../programs.ts";
import { audit, listen, signIn } from "./page.ts";

const next = (page: Page) => page.getByRole("button", { name: "Continue" }).click();
const step = (page: Page, name: string) =>
  expect(page.getByRole("heading", { level: 2, name, exact: true })).toBeVisible();

test("an empty server, a wrong password, a server that is off and a missing cmdlet", async ({ page }) => {
  test.setTimeout(180_000);
  const programs = new Programs();
  const complaints = listen(page);
  try {
    const answers = await programs.exchange("--hide", "Get-MobileDeviceStatistics");
    const first = await offline();
    const { url, token } = await programs.server();
    await signIn(page, url, token);
    await firstRun(page);
    await wizard(page, first, answers);
    await wrongPassword(page);
    await rightPassword(page, first);
    await synced(page);
    await removed(page);
    expect(complaints).toEqual([]);
  } finally {
    await programs.stop();
  }
});

async function firstRun(page: Page) {
  await expect(page.getByRole("heading", { name: "No organization is connected yet" })).toBeVisible();
  await audit(page);
  await page.getByRole("link", { name: "Connect an organization" }).click();
}

async function wizard(page: Page, first: string, second: string) {
  await step(page, "General");
  await next(page);
  await expect(page.getByRole("alert")).toContainText("2 fields need another look.");
  await audit(page);
  await page.getByLabel("Name", { exact: true }).fill("contoso");
  await page.getByLabel("Address of an Exchange server").fill(first);
  await page.getByLabel("One server or array for each Active Directory site").check();
  await page.getByLabel("Servers of the other sites").fill(`Berlin = ${second}`);
  await audit(page);
  await next(page);
  await step(page, "Account");
  await page.getByLabel("User name", { exact: true }).fill(user);
  await page.getByLabel("Password", { exact: true }).fill("wrong");
  await page.getByLabel("Way of signing in").selectOption("NTLM");
  await audit(page);
  await next(page);
  await step(page, "Discovery");
  await page.getByLabel("Those of users in some organizational units").check();
  await next(page);
  await expect(page.getByRole("alert")).toContainText("1 field needs another look.");
  await page.getByLabel("Everybody's in the organization").check();
  await page.getByLabel("Full sync", { exact: true }).selectOption("Every 7 days");
  await audit(page);
  await next(page);
  await step(page, "Settings");
  await audit(page);
  await next(page);
  await step(page, "Review");
  await expect(page.getByRole("region", { name: "Account" })).toContainText("password given");
  await expect(page.getByRole("region", { name: "Discovery" })).toContainText("Every 7 days");
  expect(await page.content()).not.toContain('"wrong"');
  await audit(page);
  await page.getByRole("button", { name: "Add and connect" }).click();
}

async function wrongPassword(page: Page) {
  const permissions = page.getByRole("region", { name: "Permissions" });
  await expect(permissions).toContainText("A sync cannot work yet.", { timeout: 30_000 });
  await expect(permissions).toContainText("check the name, the port, the firewall");
  await expect(permissions).toContainText("User name or password is wrong");
  await expect(page.getByRole("alert")).toContainText("Gatepost tries again", { timeout: 15_000 });
  await expect(page.locator("#messages")).toContainText("6401", { timeout: 15_000 });
  await audit(page);
}

async function rightPassword(page: Page, first: string) {
  await page.getByRole("link", { name: "Edit" }).click();
  await expect(page.getByLabel("Address of an Exchange server")).toHaveValue(first);
  await audit(page);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Save and check" }).click();
  const permissions = page.getByRole("region", { name: "Permissions" });
  await expect(permissions).toContainText("A sync works.", { timeout: 30_000 });
  await expect(permissions).toContainText("Last sync, policy and wipe of a device stay unknown.");
  await expect(permissions.getByLabel("To grant what is missing")).toContainText("New-ManagementRole");
}

async function synced(page: Page) {
  // Nobody asked for it: the first full sync begins by itself.
  const passes = page.locator("#passes");
  await expect(passes).toContainText("full", { timeout: 60_000 });
  await expect(passes.getByRole("row").nth(1)).not.toContainText("running", { timeout: 60_000 });
  await expect(page.locator("#endpoints")).toContainText("resting");
  await expect(page.locator("#endpoints")).toContainText("answers");
  await expect(page.locator("#messages")).toContainText("1015");
  await expect(page.locator("#messages")).toContainText("6420");
  await expect(page.locator("#inventory")).toContainText("300");
  await audit(page);
  await page.getByRole("button", { name: "Pause" }).click();
  await expect(page.getByText("Contoso; installed, paused.")).toBeVisible();
  await audit(page);
  await page.getByRole("button", { name: "Resume" }).click();
  await expect(page.getByText("Contoso; installed.")).toBeVisible();
  await page.getByRole("link", { name: "Show its devices" }).click();
  await expect(page.getByRole("status")).toHaveText("300 devices");
  await audit(page);
  await page.getByRole("link", { name: "Connectors" }).click();
  await expect(page.locator("tbody tr")).toContainText("contoso");
  await audit(page);
}

async function removed(page: Page) {
  await page.getByRole("link", { name: "contoso" }).click();
  await page.getByRole("link", { name: "Remove this connector" }).click();
  await page.getByLabel("Type contoso to confirm").fill("conto");
  await page.getByRole("button", { name: "Remove this connector" }).click();
  await expect(page.getByRole("alert")).toContainText("Nothing was removed.");
  await audit(page);
  await page.getByLabel("Type contoso to confirm").fill("contoso");
  await page.getByRole("button", { name: "Remove this connector" }).click();
  await expect(page.getByRole("heading", { name: "No organization is connected yet" })).toBeVisible();
}

test("the same without script", async ({ browser }) => {
  test.setTimeout(180_000);
  const programs = new Programs();
  const context = await browser.newContext({ javaScriptEnabled: false });
  try {
    const organization = await programs.exchange();
    const { url, token } = await programs.server();
    const page = await context.newPage();
    await signIn(page, url, token);
    await page.getByRole("link", { name: "Connect an organization" }).click();
    await page.getByLabel("Name", { exact: true }).fill("contoso");
    await page.getByLabel("Address of an Exchange server").fill(organization);
    await next(page);
    await page.getByLabel("User name", { exact: true }).fill(user);
    await page.getByLabel("Password", { exact: true }).fill(password);
    await page.getByLabel("Way of signing in").selectOption("NTLM");
    await next(page);
    await next(page);
    await next(page);
    await page.getByRole("button", { name: "Add and connect" }).click();
    await page.getByRole("button", { name: "Check now" }).click();
    await expect(page.getByText("A sync works.")).toBeVisible();
    await expect(async () => {
      await page.reload();
      await expect(page.locator("#inventory")).toContainText("300");
    }).toPass({ timeout: 60_000 });
  } finally {
    await context.close();
    await programs.stop();
  }
});
