// Who is told what: a webhook from its adding to the log of what it was told, and words of one's own.

import { expect, test, type Page } from "@playwright/test";

import { Programs, user } from "../programs.ts";
import { isSigned, Receiver } from "../receiver.ts";
import { audit, listen, signIn } from "./page.ts";

test("a webhook is added, tried, told of trouble, and told once more", async ({ page }) => {
  test.setTimeout(180_000);
  const programs = new Programs();
  const receiver = await Receiver.listening();
  const complaints = listen(page);
  try {
    const organization = await programs.exchange();
    const { url, token } = await programs.server();
    await signIn(page, url, token);
    await page.goto(new URL("/administration/notifications", url).toString());
    await expect(page.getByText("Nobody is told anything yet: add a channel first.")).toBeVisible();
    await audit(page);
    const secret = await added(page, receiver);
    await tried(page, receiver, secret);
    await subscribed(page);
    // A connector whose server nobody reaches any more.
    programs.run(
      ...["connector", "add", "lab", "--on-premises", organization, "--auth", "ntlm"],
      ...["--username", user, "--password-file", programs.file("wrong", "not the password\n")],
    );
    await expect.poll(() => receiver.got.length, { timeout: 60_000 }).toBe(2);
    await logged(page, receiver, secret);
    await reworded(page, url);
    await removed(page, url);
    expect(complaints).toEqual([]);
  } finally {
    await programs.stop();
    await receiver.close();
  }
});

async function added(page: Page, receiver: Receiver): Promise<string> {
  await page.getByText("Add a webhook", { exact: true }).click();
  await page.getByLabel("Name of the channel").last().fill("pager");
  await page.getByLabel("Address", { exact: true }).fill(receiver.url);
  await audit(page);
  await page.getByRole("button", { name: "Add the webhook" }).click();
  // What is wrong is said, and what was typed stays.
  await expect(page.getByRole("alert")).toContainText("Over http:// everybody on the way can read it");
  await expect(page.getByLabel("Address", { exact: true })).toHaveValue(receiver.url);
  await audit(page);
  await page.getByLabel("It may be at a private address of our own network").check();
  await page.getByRole("button", { name: "Add the webhook" }).click();
  const secret = await page.getByRole("status").locator("pre").innerText();
  expect(secret).toMatch(/^whsec_/);
  await audit(page);
  return secret;
}

async function tried(page: Page, receiver: Receiver, secret: string) {
  await page.getByRole("button", { name: "Send a test by pager" }).click();
  await expect(page.getByRole("status")).toContainText("The test message by pager arrived: 204 No Content");
  // The secret was shown once.
  await expect(page.getByText(secret)).toHaveCount(0);
  expect(receiver.got.map((got) => isSigned(secret, got))).toEqual([true]);
  expect(JSON.parse(receiver.got[0].body).type).toBe("test");
  receiver.answers.push(500);
  await page.getByRole("button", { name: "Send a test by pager" }).click();
  await expect(page.getByRole("alert")).toContainText("did not arrive: 500");
  receiver.got.pop();
}

async function subscribed(page: Page) {
  await page.getByText("Add a subscription", { exact: true }).click();
  await page.getByLabel("Name", { exact: true }).fill("night");
  await page.getByLabel("connector in trouble").check();
  await audit(page);
  await page.getByRole("button", { name: "Add the subscription" }).click();
  await expect(page.getByText("1 subscription; no delivery failed lately.")).toBeVisible();
}

async function logged(page: Page, receiver: Receiver, secret: string) {
  const told = receiver.got[1];
  expect(isSigned(secret, told)).toBe(true);
  expect(JSON.parse(told.body)).toMatchObject({ type: "connector.trouble", data: { connector: "lab" } });
  await expect(async () => {
    await page.reload();
    await expect(page.getByRole("region", { name: "Latest deliveries" })).toContainText("delivered");
  }).toPass();
  await audit(page);
  await page.getByRole("region", { name: "Latest deliveries" }).getByRole("link").click();
  await expect(page.getByRole("heading", { name: "connector in trouble" })).toBeVisible();
  await expect(page.getByText("Trouble with the connector lab")).toBeVisible();
  await audit(page);
  await page.getByRole("button", { name: "Send once more" }).click();
  await expect.poll(() => receiver.got.length).toBe(3);
  const again = receiver.got[2];
  expect(again.headers["webhook-id"]).toBe(told.headers["webhook-id"]);
  expect(again.body).toBe(told.body);
  await expect(async () => {
    await page.reload();
    await expect(page.getByRole("region", { name: "Attempts" }).getByRole("row")).toHaveCount(3);
  }).toPass();
}

async function reworded(page: Page, url: string) {
  await page.goto(new URL("/administration/notifications/messages/device.quarantined/de", url).toString());
  await expect(page.getByText("In Quarantäne an contoso: johanna_iPhone")).toBeVisible();
  await page.getByLabel("Subject").fill("{wer} wartet");
  await page.getByLabel("Text", { exact: true }).fill("Bitte ansehen:\n\n{list}");
  await page.getByRole("button", { name: "Show what it looks like" }).click();
  await expect(page.getByRole("alert")).toContainText("There is no placeholder {wer}");
  await audit(page);
  await page.getByLabel("Subject").fill("{name} wartet");
  await page.getByRole("button", { name: "Use these words" }).click();
  await expect(page.getByText("johanna_iPhone wartet")).toBeVisible();
  await expect(page.getByText("your own words")).toBeVisible();
  await audit(page);
}

async function removed(page: Page, url: string) {
  await page.goto(new URL("/administration/notifications", url).toString());
  await page.getByRole("button", { name: "Remove pager" }).click();
  await expect(page.getByRole("alert")).toContainText("is used by night; remove the subscriptions first");
  await page.getByRole("button", { name: "Remove night" }).click();
  await page.getByRole("button", { name: "Remove pager" }).click();
  await expect(page.getByText("Nobody is told anything yet: add a channel first.")).toBeVisible();
}
