// What people do with devices: the work queue, an action from its preview to its end, many at once,
// and the guard.

import { expect } from "@playwright/test";

import { audit, test, url } from "./page.ts";

test("home is a work queue", async ({ signedIn: page }) => {
  await page.getByRole("link", { name: "Home", exact: true }).click();
  await expect(page.getByRole("main")).toMatchAriaSnapshot(`
    - main:
      - heading "Home" [level=1]
      - paragraph: /in quarantine/
      - region /In quarantine \\d+/:
        - list:
          - listitem:
            - link
            - link /Allow for/
            - link /Block for/
      - region "How fresh it is"
  `);
  await audit(page);
});

test("a phone is let out of quarantine with a reason, and read back", async ({ signedIn: page }) => {
  await page.goto(url("/"));
  await page.getByRole("link", { name: /^Allow for/ }).first().click();
  await expect(page.getByRole("heading", { name: /^Allow for/ })).toBeVisible();
  await audit(page);
  await page.getByRole("button", { name: /^Allow for/ }).click();
  await expect(page.getByRole("alert")).toContainText("The reason is empty");
  await audit(page);
  await page.getByLabel("Reason").fill("a known phone");
  await page.getByLabel("Ticket number").fill("INC-7");
  await page.getByRole("button", { name: /^Allow for/ }).click();
  await expect(page).toHaveURL(/\/requests\//);
  // It says so by itself once Exchange was asked again.
  await expect(page.getByText("Done, and read back from Exchange.")).toBeVisible({ timeout: 30_000 });
  await audit(page);
  await page.locator("#rows").getByRole("link").first().click();
  await expect(page.locator(".why")).toContainText("Allowed");
  const timeline = page.getByRole("region", { name: "Time line" });
  await expect(timeline).toContainText("Reason: a known phone (INC-7).");
  await expect(timeline).toContainText("Exchange answered: accepted.");
  await expect(timeline).toContainText("Now allowed, was quarantined.");
  await audit(page);
});

test("devices are picked by hand or all at once, and stay picked", async ({ signedIn: page }) => {
  await page.goto(url("/devices?query=state:blocked"));
  const bar = page.getByRole("group", { name: "With the selected devices" });
  await expect(bar).toBeHidden();
  await page.locator("tbody tr a").first().focus();
  await page.keyboard.press("x");
  await expect(bar).toContainText("1 selected");
  await audit(page);
  await bar.getByLabel(/all that match: \d+ devices/).check();
  await bar.getByLabel("What to do with them").selectOption("wipe-account");
  await bar.getByRole("button", { name: "Preview" }).click();
  await expect(page.getByRole("heading", { name: /^Erase mail account on \d+ phones$/ })).toBeVisible();
  await expect(page.getByText("found by state:blocked")).toBeVisible();
  await audit(page);
});

test("more wipes than the guard lets through wait, and are taken back", async ({ signedIn: page }) => {
  await page.goto(url("/devices/act?action=wipe-account&query=state:allowed%20type:iPhone"));
  await expect(page.getByRole("status")).toContainText("It will wait for a second person.");
  await page.getByLabel("Reason").fill("a stolen van");
  await page.getByRole("button", { name: /^Erase mail account/ }).click();
  await expect(page.getByText("You asked for it, so somebody else has to decide.")).toBeVisible();
  await audit(page);
  await page.getByRole("link", { name: /^Approvals/ }).click();
  await expect(page.locator("#waiting")).toContainText("a stolen van");
  await page.getByText("Other limits").click();
  await page.getByText("Lift the guard for a while").click();
  await audit(page);
  await page.getByRole("link", { name: "Take back all wipes that were not sent" }).click();
  await audit(page);
  await page.getByRole("button", { name: "Take them back" }).click();
  await expect(page.getByRole("status").first()).toContainText(/\d+ wipes taken back\./);
  await expect(page.locator("#waiting")).toContainText("Nothing waits");
  await audit(page);
});

test("an entire phone is erased only by who types what nobody types by mistake", async ({
  signedIn: page,
}) => {
  await page.goto(url("/devices?query=state:allowed%20type:iPhone"));
  await page.locator("tbody tr a").first().click();
  await page.getByRole("link", { name: "Erase entire phone" }).click();
  await page.getByLabel("Reason").fill("lost");
  await page.getByRole("button", { name: "Erase entire phone" }).click();
  await expect(page.getByRole("alert")).toContainText("the last four characters of the device id");
  await audit(page);
});

test("picking and asking work without script", async ({ browser }) => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(url("/sign-in?next=%2Fdevices%3Fquery%3Dstate%3Ablocked"));
  await page.getByLabel("Local administrator token").fill(process.env.GATEPOST_TOKEN ?? "");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.locator('[name="device"]').first().check();
  await page.locator('[name="device"]').nth(1).check();
  await page.getByLabel("What to do with them").selectOption("allow");
  await page.getByRole("button", { name: "Preview" }).click();
  await expect(page.getByRole("heading", { name: "Allow 2 devices" })).toBeVisible();
  await context.close();
});
