// Every page of the console in a browser: what a screen reader finds, what axe finds, and that the
// browser has nothing to complain about (so that a break of the content security policy is seen).

import { expect } from "@playwright/test";

import { audit, test, url, notNow } from "./page.ts";

test("signing in refuses a wrong token and says which one it wants", async ({ page, complaints }) => {
  void complaints;
  await page.goto(url("/devices"));
  await expect(page).toHaveURL(/sign-in\?next=/);
  await audit(page);
  await page.getByLabel("Local administrator token").fill("wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toContainText("not the token of this server");
  await audit(page);
});

test("the list of devices", async ({ signedIn: page }) => {
  await expect(page.getByRole("main")).toMatchAriaSnapshot(`
    - main:
      - heading "Devices" [level=1]
      - paragraph: /300 devices; \\d+ quarantined; last full sync .+/
      - search:
        - textbox "Search devices"
        - button "Search"
      - navigation "Access state":
        - link /All 300/
        - link /allowed \\d+/
      - status: 300 devices
      - table
      - navigation "Pages":
        - link "Next page"
  `);
  expect(await page.locator("tbody tr").count()).toBe(50);
  await audit(page);
});

test("a search is typed, lives in the URL and survives a reload", async ({ signedIn: page }) => {
  await page.keyboard.press("/");
  await page.keyboard.type("state:quarantined");
  await expect(page).toHaveURL(/query=state/);
  await expect(page.locator("tbody tr").first()).toContainText("quarantined");
  const found = await page.getByRole("status").textContent();
  await page.reload();
  await expect(page.getByRole("status")).toHaveText(found ?? "");
  await expect(page.getByLabel("Search devices")).toHaveValue("state:quarantined");
  for (const row of await page.locator("tbody tr").all()) {
    await expect(row).toContainText("quarantined");
  }
  await audit(page);
});

test("pages lead on and back", async ({ signedIn: page }) => {
  const first = await page.locator("tbody tr a").first().getAttribute("href");
  await page.getByRole("link", { name: "Next page" }).click();
  await expect(page).toHaveURL(/cursor=/);
  expect(await page.locator("tbody tr a").first().getAttribute("href")).not.toBe(first);
  await page.getByRole("link", { name: "First page" }).click();
  expect(await page.locator("tbody tr a").first().getAttribute("href")).toBe(first);
});

test("a search that is wrong says where, and one that finds nothing says so", async ({ signedIn: page }) => {
  await page.goto(url("/devices?query=state:nonsense"));
  await expect(page.getByRole("alert")).toBeVisible();
  await audit(page);
  await page.goto(url("/devices?query=no-such-phone-anywhere"));
  await expect(page.getByRole("heading", { name: "No device fits" })).toBeVisible();
  await audit(page);
});

test("one device says its state and why", async ({ signedIn: page }) => {
  await page.goto(url("/devices?query=state:quarantined"));
  await page.locator("tbody tr a").first().click();
  await expect(page.getByRole("main")).toMatchAriaSnapshot(`
    - main:
      - paragraph:
        - link "Devices"
      - heading [level=1]
      - paragraph
      - paragraph: /(Quarantined|In discovery).+\\./
      - region "Actions"
      - region "Time line"
      - region "Sync"
      - region "Phone"
      - region "Owner"
      - region "Wipe"
      - region "Identity"
      - group
  `);
  await page.getByText("Everything else Exchange says").click();
  await audit(page);
  // The server looks at the rules by itself, and the page takes that up.
  await page.getByText("How Exchange decided").click({ timeout: 60_000 });
  const decides = page.locator("#decision [aria-current=step]");
  await expect(decides).toHaveCount(1);
  await expect(decides).toContainText("decides");
  await audit(page);
});

test("connectors, and one of them", async ({ signedIn: page }) => {
  await page.getByRole("link", { name: "Connectors" }).click();
  await expect(page.locator("tbody tr")).toHaveCount(1);
  await expect(page.locator("tbody tr")).toContainText("installed");
  await audit(page);
  await page.getByRole("link", { name: "lab" }).click();
  await expect(page.getByRole("main")).toMatchAriaSnapshot(`
    - main:
      - paragraph:
        - link "Connectors"
      - heading "lab" [level=1]
      - paragraph: Contoso; installed.
      - link "Edit"
      - button "Pause"
      - button "Full sync"
      - button "Sync now"
      - region "Work":
        - heading "Work" [level=2]
        - paragraph: /The last (full|delta) sync ended well .+ devices read.+/
      - region "Permissions"
      - region "Connection"
      - region "Inventory"
      - region "Budget"
      - region "Ageing"
      - region "Endpoints"
      - region "Passes"
      - region "Status messages"
  `);
  await audit(page);
});

test("a sync that somebody else starts shows up by itself, and nothing else is touched", async ({
  signedIn: page,
  context,
}) => {
  await page.goto(url("/connectors/lab"));
  const rows = page.locator("#passes tbody tr");
  const passes = await rows.count();
  // What is open, and what has the focus, stays so.
  await page.getByText("A role that grants exactly what is needed").click();
  const elsewhere = await context.newPage();
  await elsewhere.goto(url("/connectors/lab"));
  await elsewhere.getByRole("button", { name: "Full sync" }).click();
  await expect(rows).toHaveCount(passes + 1, { timeout: 60_000 });
  await expect(rows.first()).toContainText("complete", { timeout: 60_000 });
  await expect(page.getByRole("img", { name: "How long passes took" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Download the script" })).toBeVisible();
  await audit(page);
  await elsewhere.close();
});

test("the role script is a file", async ({ signedIn: page }) => {
  await page.goto(url("/connectors/lab"));
  await page.getByText("A role that grants exactly what is needed").click();
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download the script" }).click();
  expect((await download).suggestedFilename()).toBe("gatepost-role-lab.ps1");
});

test("a device is read again while one waits", async ({ signedIn: page }) => {
  await page.locator("tbody tr a").first().click();
  await page.getByRole("button", { name: "Read again now" }).click();
  await expect(page.getByText(/As of (just now|\d+ seconds ago)\./)).toBeVisible();
  await audit(page);
});

test("what does not exist is named", async ({ signedIn: page }) => {
  const answer = await page.goto(url("/devices/00000000-0000-0000-0000-000000000000"));
  expect(answer?.status()).toBe(404);
  await expect(page.getByRole("alert")).toContainText("no such device");
  await audit(page);
});

test("the list lives on by itself and leaves the person's place alone", async ({ signedIn: page }) => {
  await page.goto(url("/devices?query=state:quarantined"));
  const fragment = () =>
    page.waitForResponse((answer) => answer.request().headers()["hx-request"] === "true");
  const focused = () => page.evaluate(() => document.activeElement?.id ?? "");

  // A row that has the focus keeps it when the rows are replaced.
  await page.locator("tbody tr a").nth(1).focus();
  const row = await focused();
  expect(row).toMatch(/^device-/);
  const old = await page.locator("#results").elementHandle();
  // Somebody has a device read again, so that a row is another than before.
  await page.request.post(url(`/devices/${row.replace("device-", "")}/refresh`));
  const polled = await fragment();
  expect(new URL(polled.url()).searchParams.get("query")).toBe("state:quarantined");
  await expect
    .poll(() => old?.evaluate((element) => element.isConnected), { timeout: 15_000 })
    .toBe(false);
  expect(await focused()).toBe(row);
  await expect(page.locator("#facet-quarantined")).toHaveAttribute("aria-current", "true");

  // What is being typed stays, and is what is asked for from then on.
  await page.getByLabel("Search devices").fill("state:blocked");
  const searched = await fragment();
  expect(new URL(searched.url()).searchParams.get("query")).toBe("state:blocked");
  await expect(page.locator("#facet-blocked")).toHaveAttribute("aria-current", "true");
  const polledAgain = await fragment();
  expect(new URL(polledAgain.url()).searchParams.get("query")).toBe("state:blocked");
  await expect(page.getByLabel("Search devices")).toBeFocused();
  await expect(page.getByLabel("Search devices")).toHaveValue("state:blocked");
  await expect(page.locator("#summary")).toContainText("300 devices");
  await audit(page);
});

test("an address that leads nowhere says so", async ({ signedIn: page }) => {
  const answer = await page.goto(url("/nowhere"));
  expect(answer?.status()).toBe(404);
  await expect(page.getByRole("alert")).toContainText("no such page");
  await audit(page);
});

test("everything works without script", async ({ browser }) => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(url("/sign-in"));
  await page.getByLabel("Local administrator token").fill(process.env.GATEPOST_TOKEN ?? "");
  await page.getByRole("button", { name: "Sign in" }).click();
  await notNow(page);
  await page.getByRole("link", { name: "Devices", exact: true }).click();
  await page.getByLabel("Search devices").fill("state:allowed");
  await page.getByRole("button", { name: "Search" }).click();
  await expect(page.locator("tbody tr").first()).toContainText("allowed");
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.goto(url("/devices"));
  await expect(page).toHaveURL(/sign-in/);
  await context.close();
});
