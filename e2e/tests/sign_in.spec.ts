// People sign in by an OpenID provider that shares no code with us, and one of them may do something.

import { join } from "node:path";

import { expect, test, type Browser, type Page } from "@playwright/test";

import { Programs } from "../programs.ts";
import { audit, signIn } from "./page.ts";

const group = "corp:Help desk";

/** At the provider: a name, any password, and yes to what Gatepost asks for. */
async function atProvider(page: Page, name: string) {
  await page.getByPlaceholder("Enter any login").fill(name);
  await page.getByPlaceholder("and password").fill("any");
  await page.getByRole("button", { name: "Sign-in" }).click();
  await page.getByRole("button", { name: "Continue" }).click();
}

async function begin(page: Page, server: string) {
  await page.goto(new URL("/sign-in?next=/devices", server).toString());
  await page.getByRole("link", { name: "Contoso account" }).click();
}

/** A browser that knows nobody, and what it complains about on our pages. */
async function fresh(browser: Browser, server: string, javaScriptEnabled = true) {
  const page = await (await browser.newContext({ javaScriptEnabled })).newPage();
  const complaints: string[] = [];
  page.on("console", (message) => {
    // The provider's pages are its own business, and a refusal is a status that the browser notes.
    const isOurs = page.url().startsWith(server) && !message.location().url.startsWith("https://");
    const isStatus = message.text().includes("the server responded with a status of");
    if (message.type() === "error" && isOurs && !isStatus) complaints.push(message.text());
  });
  return { page, complaints };
}

test("a role by a group, nobody without one, and keys that change", async ({ browser }) => {
  test.setTimeout(180_000);
  const programs = new Programs();
  try {
    const { url, token } = await programs.server();
    const secret = "a-secret-of-the-client-that-nobody-knows";
    const provider = await programs.provider(`${url}/sign-in/oidc/callback`, secret);
    programs.run(
      ...["identity-provider", "add-oidc", "corp", "--title", "Contoso account"],
      ...["--issuer", provider.issuer, "--client-id", "gatepost", "--public-url", url],
      ...["--secret-file", programs.file("secret", secret), "--secret-expires", tomorrow()],
      ...["--scope", "profile", "--scope", "email", "--scope", "groups"],
    );
    programs.run("role", "assign", "help-desk", "--group", group);
    programs.run("identity-provider", "test", "corp");

    const jane = await fresh(browser, url);
    await jane.page.goto(new URL("/sign-in", url).toString());
    await audit(jane.page);
    await begin(jane.page, url);
    await atProvider(jane.page, "jane");
    await expect(jane.page).toHaveURL(`${url}/devices`);
    await expect(jane.page.locator(".person")).toHaveText("jane");
    expect(jane.complaints).toEqual([]);

    // Known at the provider, and nothing to do here.
    const otto = await fresh(browser, url);
    await begin(otto.page, url);
    await atProvider(otto.page, "otto");
    await expect(otto.page.getByRole("alert")).toContainText("Otto may do nothing here yet");
    await audit(otto.page);

    // Somebody who says no there is told so here.
    const nobody = await fresh(browser, url);
    await begin(nobody.page, url);
    await nobody.page.getByRole("link", { name: "Cancel" }).click();
    await expect(nobody.page.getByRole("alert")).toContainText("did not let you in, or you said no");

    // An answer that this browser did not ask for, and a replayed one.
    const used = await fresh(browser, url);
    await used.page.goto(`${url}/sign-in/oidc/callback?code=x&state=y`);
    await expect(used.page.getByRole("alert")).toContainText("Begin again");
    await audit(used.page);

    await provider.rotate();
    const again = await fresh(browser, url, false);
    await begin(again.page, url);
    await atProvider(again.page, "jane");
    await expect(again.page).toHaveURL(`${url}/devices`);

    // Signed out here, and there too; the provider asks first. Without script.
    await again.page.getByRole("button", { name: "Sign out", exact: true }).click();
    await expect(again.page.getByRole("status")).toContainText("You are signed out here");
    await again.page.getByRole("link", { name: "Sign out there too" }).click();
    await again.page.getByRole("button", { name: "Yes, sign me out" }).click();
    await expect(again.page).toHaveURL(`${url}/sign-in`);
    await begin(again.page, url);
    await expect(again.page.getByPlaceholder("Enter any login")).toBeVisible();

    const administrator = await fresh(browser, url);
    await signIn(administrator.page, url, token);
    await administrator.page.goto(`${url}/administration/sign-in`);
    await audit(administrator.page);
    await administrator.page.getByRole("link", { name: "Contoso account" }).click();
    await expect(administrator.page.getByLabel("The secret ends on")).toHaveValue(tomorrow());
    await administrator.page.getByRole("button", { name: "Test", exact: true }).click();
    await expect(administrator.page.locator("#found")).toContainText("The client gatepost is known there");
    await audit(administrator.page);

    // Removed: it is said what goes, and it goes at once.
    const removal = administrator.page.locator("form", { hasText: "Nobody signs in by it any more" });
    await expect(removal).toContainText("2 people who came by it cannot sign in any more; 1 session of theirs ends");
    await expect(removal).toContainText("help-desk of corp:Help desk");
    await administrator.page.getByLabel("Type corp to confirm").fill("corp");
    await administrator.page.getByRole("button", { name: "Remove" }).click();
    await expect(administrator.page).toHaveURL(`${url}/administration/sign-in`);
    await audit(administrator.page);
    expect(administrator.complaints).toEqual([]);
    await jane.page.goto(`${url}/devices`);
    await expect(jane.page.getByRole("heading", { name: "Sign in to Gatepost" })).toBeVisible();
    await expect(jane.page.getByRole("link", { name: "Contoso account" })).toHaveCount(0);
  } finally {
    await programs.stop();
  }
});

test("a provider is believed by the authority it was given, and not without", async () => {
  const programs = new Programs();
  try {
    const { url } = await programs.server();
    const secret = "a-secret-of-the-client-that-nobody-knows";
    const provider = await programs.provider(`${url}/sign-in/oidc/callback`, secret, programs.folder);
    const file = programs.file("secret", secret);
    programs.run(
      ...["identity-provider", "add-oidc", "corp", "--issuer", provider.issuer, "--public-url", url],
      ...["--client-id", "gatepost", "--secret-file", file],
    );
    const test = ["identity-provider", "test", "corp"];
    expect(() => programs.run(...test)).toThrow();
    const authority = join(programs.folder, "ca.pem");
    programs.run("identity-provider", "set", "corp", "--ca-file", authority, "--secret-file", file);
    programs.run(...test);
  } finally {
    await programs.stop();
  }
});

function tomorrow(): string {
  return new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
}
