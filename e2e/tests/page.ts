// What every test of a page does: sign in, look for what axe finds, listen to the browser.

import AxeBuilder from "@axe-core/playwright";
import { expect, test as base, type Page } from "@playwright/test";

export const url = (path: string) => new URL(path, process.env.GATEPOST_URL).toString();

/** What the browser complains about, so that a break of the content security policy is seen. */
export function listen(page: Page): string[] {
  const complaints: string[] = [];
  page.on("console", (message) => {
    // A page that is refused on purpose answers with a status that the browser notes.
    const isStatus = message.text().includes("the server responded with a status of");
    if (message.type() === "error" && !isStatus) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  return complaints;
}

export async function signIn(page: Page, server: string, token: string) {
  await page.goto(new URL("/sign-in", server).toString());
  // Where there are users, the token is not what most sign in with.
  const other = page.getByText("Use the server's token");
  if (await other.isVisible()) await other.click();
  await page.getByLabel("Local administrator token").fill(token);
  await page.getByRole("button", { name: /^Sign in( with the token)?$/ }).last().click();
  await notNow(page);
}

/** While there is no user, who comes with the token is offered to make the first. */
export async function notNow(page: Page) {
  if (page.url().endsWith("/administration/first")) await page.getByRole("link", { name: "Not now" }).click();
}

export const test = base.extend<{ complaints: string[]; signedIn: Page }>({
  complaints: async ({ page }, use) => {
    const complaints = listen(page);
    await use(complaints);
    expect(complaints).toEqual([]);
  },
  signedIn: async ({ page, complaints }, use) => {
    void complaints;
    await signIn(page, url("/"), process.env.GATEPOST_TOKEN ?? "");
    await expect(page.getByRole("heading", { name: "Home" })).toBeVisible();
    await page.goto(url("/devices"));
    await use(page);
  },
});

/** No rule of WCAG 2.2 AA is broken, and nothing is wider than the window. */
export async function audit(page: Page) {
  const found = await new AxeBuilder({ page })
    .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"])
    .analyze();
  expect(found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(" ")}`)).toEqual([]);
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(overflow).toBeLessThanOrEqual(0);
}
