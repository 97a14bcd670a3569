import { defineConfig } from "@playwright/test";

// Debian's Chromium; nothing is downloaded.
const launchOptions = {
  executablePath: "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
};

export default defineConfig({
  testDir: "tests",
  globalSetup: "./start.ts",
  // Two polls of the list, or a whole sync, on a slow machine.
  timeout: 90_000,
  workers: 1,
  forbidOnly: true,
  reporter: "list",
  use: { launchOptions, locale: "en-US", timezoneId: "UTC" },
  projects: [
    { name: "light", use: { colorScheme: "light", viewport: { width: 1440, height: 900 } } },
    { name: "dark", use: { colorScheme: "dark", viewport: { width: 1024, height: 768 } } },
    { name: "phone", use: { colorScheme: "light", viewport: { width: 390, height: 844 } } },
  ],
});
