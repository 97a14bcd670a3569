// People sign in by an OpenID provider that shares no code with us, and one of them may do something.

import { expect, test, type Page } from "@playwright/test";

import { Programs } from "../programs.ts";
import { audit, listen, signIn } from "./page.ts";

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

test("a role by a group, nobody without one, and keys that change", async ({ browser }) => {
  const programs = new Programs();
  try {
    const { url, token } = await programs.server();
    const secret = "a-secret-of-the-client-that-nobody-knows";
    const provider = await programs.provider(`${url}/sign-in/oidc/callback`, secret);
    programs.run(
      ...["identity-provider", "add-oidc", "corp", "--title", "Contoso account"],
      ...["--issuer", provider.issuer, "--client-id", "gatepost", "--public-url", url],
      ...["--secret-file", programs.file("secret", secret)],
      ...["--scope", "profile", "--scope", "email", "--scope", "groups"],
    );
    programs.run("role", "assign", "help-desk", "--group", group);
    programs.run("identity-provider", "test", "corp");

    const fresh = async () => {
      const page = await (await browser.newContext()).newPage();
      return { page, complaints: listen(page) };
    };

    const jane = await fresh();
    await begin(jane.page, url);
    await atProvider(jane.page, "jane");
    await expect(jane.page).toHaveURL(`${url}/devices`);
    await expect(jane.page.locator(".person")).toHaveText("jane");
    expect(jane.complaints).toEqual([]);

    const otto = await fresh();
    await begin(otto.page, url);
    await atProvider(otto.page, "otto");
    await expect(otto.page.getByRole("alert")).toContainText("Otto may do nothing here yet");
    await audit(otto.page);

    // The answer of before, in another browser and once more.
    const used = await fresh();
    await used.page.goto(`${url}/sign-in/oidc/callback?code=x&state=y`);
    await expect(used.page.getByRole("alert")).toContainText("Begin again");

    await provider.rotate();
    const again = await fresh();
    await begin(again.page, url);
    await atProvider(again.page, "jane");
    await expect(again.page).toHaveURL(`${url}/devices`);

    const administrator = await fresh();
    await signIn(administrator.page, url, token);
    await administrator.page.goto(`${url}/administration/sign-in`);
    await audit(administrator.page);
    await administrator.page.getByRole("link", { name: "Contoso account" }).click();
    await administrator.page.getByRole("button", { name: "Test", exact: true }).click();
    await expect(administrator.page.locator("#found")).toContainText("gatepost is known there");
    await audit(administrator.page);
    expect(administrator.complaints).toEqual([]);
  } finally {
    await programs.stop();
  }
});
