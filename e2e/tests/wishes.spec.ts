// What an organization shall be, from what Exchange has to a change behind our back and the first
// day again, in a browser.

import { expect, test, type Page } from "@playwright/test";

import { Programs, user } from "../programs.ts";
import { audit, listen, signIn } from "./page.ts";

const settled = (page: Page, text: string | RegExp) =>
  expect(page.locator("#plan .state")).toContainText(text, { timeout: 30_000 });

/** Applies the plan that is shown. */
async function apply(page: Page, label = "Apply") {
  await page.getByRole("button", { name: label, exact: true }).click();
  await settled(page, "Exchange was read back and is as planned.");
}

test("import, change, apply, mend and take back", async ({ page }, info) => {
  test.setTimeout(240_000);
  const programs = new Programs();
  const complaints = listen(page);
  const picture = async (name: string) => {
    if (process.env.PICTURES) {
      const path = `${process.env.PICTURES}/${name}-${info.project.name}.png`;
      await page.screenshot({ path, fullPage: true });
    }
    await audit(page);
  };
  try {
    const organization = await programs.exchange();
    const { url, token } = await programs.server();
    programs.run(
      ...["connector", "add", "lab", "--on-premises", organization, "--auth", "ntlm"],
      ...["--username", user, "--password-file", programs.passwordFile],
    );
    programs.run("sync", "lab", "--full", "--wait");
    await signIn(page, url, token);

    await page.getByRole("link", { name: "Settings", exact: true }).click();
    await expect(page.getByRole("heading", { level: 1, name: "Settings of lab" })).toBeVisible();
    await picture("first");
    await page.getByRole("button", { name: "Start from what Exchange has now" }).click();
    await settled(page, "Nothing would change in Exchange.");
    await picture("nothing");
    await apply(page, "Keep this from now on");

    await twoSettings(page, picture);
    await aRule(page, picture);
    await apply(page);
    await picture("applied");

    await tooMany(page, picture);

    await programs.type("Set-MobileDeviceMailboxPolicy -Identity Default -AllowCamera $true");
    await page.getByRole("link", { name: "Settings", exact: true }).first().click();
    await page.getByRole("button", { name: "Compare with Exchange now" }).click();
    await expect(page.getByRole("heading", { name: "1 setting is not as written." })).toBeVisible();
    await expect(page.getByText("is allowed and shall be not allowed; ")).toContainText("changed it at");
    await picture("drift");
    await page.getByRole("link", { name: "Home" }).click();
    await expect(page.getByRole("heading", { name: "Not as written" })).toBeVisible();
    await picture("home");
    await page.getByRole("link", { name: /^lab: 1 setting/ }).click();
    await page.getByRole("button", { name: "See how to mend it" }).click();
    await settled(page, "1 change, 1 write to Exchange.");
    await apply(page);

    await page.getByRole("link", { name: "Access", exact: true }).first().click();
    await expect(page.getByText("not as written")).toHaveCount(0);
    await page.getByRole("button", { name: "See how to take everything back" }).click();
    await settled(page, "3 changes");
    await expect(page.getByRole("row").nth(1)).toContainText("REMOVE");
    await picture("back");
    await apply(page);
    await page.goto(new URL("/connectors/lab", url).toString());
    await expect(page.locator("#wish")).toContainText("Revision 3 holds");
    expect(complaints).toEqual([]);
  } finally {
    await programs.stop();
  }
});

type Picture = (name: string) => Promise<void>;

async function twoSettings(page: Page, picture: Picture) {
  await page.getByRole("link", { name: "Settings", exact: true }).first().click();
  const length = page.getByLabel("Minimum length", { exact: true });
  await length.selectOption("set to");
  await page.getByLabel("Minimum length: number").fill("99");
  await page.getByRole("button", { name: "See what would change" }).click();
  await expect(page.getByRole("alert")).toContainText("1 field needs another look.");
  await page.getByRole("link", { name: /^Minimum length: choose a number/ }).click();
  await expect(length).toBeFocused();
  await picture("wrong");
  await page.getByLabel("Minimum length: number").fill("6");
  await page.getByLabel("Camera", { exact: true }).selectOption("not allowed");
  await page.getByRole("button", { name: "See what would change" }).click();
  await settled(page, "2 changes, 1 write to Exchange.");
  await picture("plan");
}

async function aRule(page: Page, picture: Picture) {
  await page.getByRole("link", { name: "Change access further" }).click();
  await page.getByLabel("Looks at").selectOption("operating system");
  await expect(page.getByLabel("Value", { exact: true })).toHaveAttribute("list", "seen-os");
  await page.getByLabel("Looks at").selectOption("type");
  await page.getByLabel("Value", { exact: true }).fill("WindowsMail");
  await page.getByLabel("Level", { exact: true }).selectOption("block");
  await page.getByRole("button", { name: "Add to the table" }).click();
  await expect(page.getByRole("row", { name: /WindowsMail/ })).toContainText("not in Exchange yet");
  await picture("access");
  await page.getByRole("button", { name: "See what would change" }).last().click();
  await settled(page, /3 changes, 2 writes to Exchange/);
  await expect(page.getByRole("heading", { name: "Whom it hits" })).toBeVisible();
  await picture("whom");
}

/** Blocking everybody is refused until somebody types how many that are. */
async function tooMany(page: Page, picture: Picture) {
  await page.getByRole("link", { name: "Access", exact: true }).first().click();
  await page.getByRole("radio", { name: /^Block/ }).check();
  for (const box of await page.getByRole("checkbox", { name: /^Remove/ }).all()) await box.check();
  await page.getByLabel("Devices that one apply may change at most").fill("10");
  await page.getByRole("button", { name: "See what would change" }).last().click();
  await settled(page, "Nothing was sent yet.");
  await page.getByText("The largest groups").click();
  await expect(page.getByLabel(/devices change; type/)).toBeVisible();
  await picture("flips");
  await page.getByRole("button", { name: "Apply", exact: true }).click();
  await expect(page.getByRole("alert")).toContainText("Nothing was sent");
}
