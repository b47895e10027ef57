// What an admin does in the web admin, step by step; each step fails by an exception.
"use strict";
const assert = require("assert");
const { createHmac } = require("crypto");
const { readFileSync } = require("fs");
const path = require("path");
const { chromium } = require("playwright-core");
const Sftp = require("ssh2-sftp-client");

const { WEB, SETUP_CODE, SFTP_PORT, ALICE_HOME, SCREENSHOTS } = process.env;
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const PASSWORD = "correct horse battery";
const WIDTHS = [360, 768, 1280];

let browser;

async function newPage() {
  const context = await browser.newContext();
  const page = await context.newPage();
  page.setDefaultTimeout(20000);
  page.on("pageerror", (error) => assert.fail(`the script of ${page.url()} failed: ${error}`));
  page.on("console", (message) => {
    const isRefused = /Content.Security.Policy/i.test(message.text());
    assert(!isRefused, `${page.url()}: ${message.text()}`);
  });
  return page;
}

// Looks at a page in both schemes and at three widths.
async function inspect(page, name) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert(wide <= width, `${name} is ${wide} wide where there are ${width}`);
      const file = path.join(SCREENSHOTS, `${name}-${colorScheme}-${width}.png`);
      await page.screenshot({ path: file, fullPage: true });
      await page.evaluate(AXE);
      const found = await page.evaluate(() => axe.run());
      const faults = found.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html)}`);
      assert.deepEqual(faults, [], `${name}, ${colorScheme}, ${width}`);
    }
  }
  await page.emulateMedia({ colorScheme: "light" });
}

async function at(page, address) {
  await page.waitForURL((url) => url.pathname + url.search === address);
}

async function open(page, address) {
  await page.goto(WEB + address);
}

async function press(page, name) {
  await page.getByRole("button", { name, exact: true }).first().click();
}

async function logIn(page, username, password) {
  await open(page, "/web/login");
  await page.getByLabel("Username").fill(username);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await press(page, "Log in");
}

async function sftp() {
  const client = new Sftp();
  client.on("error", () => {});
  await client.connect({ host: "127.0.0.1", port: Number(SFTP_PORT), username: "alice", password: "secret" });
  return client;
}

// RFC 6238, for the Base32 secret.
function totp(secret, later = 0) {
  const bits = [...secret].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30000) + later));
  const hash = createHmac("sha1", key).update(counter).digest();
  const from = hash[19] & 15;
  return String((hash.readUInt32BE(from) & 0x7fffffff) % 1000000).padStart(6, "0");
}

async function rest(method, address, authorization, body) {
  const headers = { authorization, "content-type": "application/json" };
  const answer = await fetch(WEB + address, { method, headers, body: body && JSON.stringify(body) });
  assert(answer.ok, `${method} ${address}: ${answer.status} ${await answer.clone().text()}`);
  return answer.json();
}

const steps = {
  async "while there is no admin every page leads to the setup"(page) {
    await open(page, "/web/users");
    await at(page, "/web/setup");
    await inspect(page, "setup");
  },

  async "the first admin is made with the code of the link"(page) {
    await open(page, `/web/setup?code=${SETUP_CODE}`);
    await page.getByLabel("Username").fill("root");
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await page.getByLabel("The password again").fill("other");
    await press(page, "Save");
    await page.getByText("is not the same password").waitFor();
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await page.getByLabel("The password again").fill(PASSWORD);
    await press(page, "Save");
    await at(page, "/web");
    await page.getByText("Users connected").waitFor();
    await inspect(page, "dashboard");
  },

  async "a wrong password is refused and a right one is not"(page) {
    await press(page, "Log out");
    await at(page, "/web/login");
    await logIn(page, "root", "wrong");
    await page.getByRole("alert").waitFor();
    await inspect(page, "login");
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await press(page, "Log in");
    await at(page, "/web");
  },

  async "a user is added by the keyboard, after its errors were shown"(page) {
    await page.getByRole("link", { name: "Users", exact: true }).click();
    await page.getByText("There is no such user.").waitFor();
    await page.keyboard.press("n");
    await at(page, "/web/user");
    await inspect(page, "user-new");
    await page.getByLabel("Username").fill("alice");
    await page.getByLabel("Password", { exact: true }).fill("secret");
    await page.getByLabel("Home directory").fill("relative");
    await page.getByLabel("UID").fill("70000");
    await page.getByLabel("Upload bandwidth").fill("300");
    await page.getByLabel("Quota, size").fill("100 MiB");
    await press(page, "Save");
    await page.locator("#home_dir-error").waitFor();
    await page.locator("#uid-error").waitFor();
    assert.equal(await page.getByLabel("Username").inputValue(), "alice");
    await inspect(page, "user-errors");
    await page.getByLabel("Password", { exact: true }).fill("secret");
    await page.getByLabel("Home directory").fill(ALICE_HOME);
    await page.getByLabel("UID").fill("0");
    await press(page, "Save");
    await at(page, "/web/users?done=added");
    await page.getByRole("link", { name: "alice" }).waitFor();
    await inspect(page, "users");
  },

  async "a search goes on as it is typed and keeps the focus"(page) {
    await open(page, "/web/users");
    await page.keyboard.press("/");
    await page.keyboard.type("nobody");
    await page.getByText("There is no such user.").waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.id), "search");
    await page.getByLabel("Search").fill("lic");
    await page.getByRole("link", { name: "alice" }).waitFor();
  },

  async "a transfer appears, moves and is closed"(page) {
    await open(page, "/web/connections");
    await page.getByText("Nobody is connected.").waitFor();
    const client = await sftp();
    const upload = client.put(Buffer.alloc(8 << 20), "/large").then(
      () => "whole",
      () => "broken",
    );
    const transfer = page.locator(".transfers li");
    await transfer.waitFor();
    const close = page.getByRole("button", { name: "Close", exact: true });
    await close.focus();
    const before = await transfer.innerText();
    await page.waitForFunction((text) => document.querySelector(".transfers li")?.innerText !== text, before);
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Close");
    await inspect(page, "connections");
    await close.click();
    await at(page, "/web/connections?done=closed");
    await page.getByText("Nobody is connected.").waitFor();
    assert.equal(await upload, "broken");
    await client.end().catch(() => {});
  },

  async "all of a user are closed"(page) {
    await open(page, "/web/connections");
    const clients = [await sftp(), await sftp()];
    await page.waitForFunction(() => document.querySelectorAll(".connection").length === 2);
    await press(page, "Close all of this user");
    await page.getByText("Nobody is connected.").waitFor();
    for (const client of clients) await client.end().catch(() => {});
  },

  async "a user is explained, and a key is dropped"(page) {
    await open(page, "/web/users");
    await page.getByRole("link", { name: "alice" }).click();
    await inspect(page, "user");
    await page.getByLabel("Path", { exact: true }).fill("/a");
    await page.getByLabel("Operation").selectOption("upload");
    await press(page, "Explain");
    await page.getByText("Yes: ").waitFor();
    const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMFsrbbCYkKkrwB/cVk5Nclcz/oo3KS7aBKJAfjMsXUH";
    const files = await page.evaluateHandle((text) => {
      const dropped = new DataTransfer();
      dropped.items.add(new File([text], "id.pub"));
      return dropped;
    }, key);
    await page.dispatchEvent("#public_keys", "drop", { dataTransfer: files });
    await page.waitForFunction(() => document.querySelector("#public_keys").value !== "");
    await press(page, "Save");
    await at(page, "/web/users?done=saved");
    await page.getByRole("link", { name: "alice" }).click();
    await page.getByText("SHA256:").waitFor();
  },

  async "a dump is downloaded, and imported after a preview"(page) {
    await page.getByRole("link", { name: "Maintenance", exact: true }).click();
    await inspect(page, "maintenance");
    const waiting = page.waitForEvent("download");
    await press(page, "Download");
    const dump = JSON.parse(readFileSync(await (await waiting).path(), "utf8"));
    assert.deepEqual(dump.users.map((user) => user.username), ["alice"]);
    const [alice] = dump.users;
    const hash = "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy";
    const user = (username, more) => ({ ...alice, username, password: hash, ...more });
    dump.users = [
      { ...alice, quota_files: 20 },
      user("bob", { quota_size: 1 << 30 }),
      user("carol", { status: 0 }),
      user("dave", { home_dir: "relative", uid: 1 }),
      user("erin", { filters: { allowed_ip: ["192.0.2.0/24"] } }),
    ];
    const send = async (text) => {
      const file = { name: "dump.json", mimeType: "application/json", buffer: Buffer.from(text) };
      await page.getByLabel("Dump", { exact: true }).setInputFiles(file);
    };
    await send("{}".padEnd(10485761));
    assert(await page.getByLabel("Dump", { exact: true }).evaluate((field) => !field.checkValidity()));
    await send("{}");
    await press(page, "Preview");
    await page.getByText("is not a dump").waitFor();
    await send(JSON.stringify(dump));
    await page.getByLabel("Change users that exist").check();
    await press(page, "Preview");
    await page.getByText("Nothing is done yet.").waitFor();
    await page.getByText("quota_files: 0 → 20").waitFor();
    await inspect(page, "import-preview");
    await press(page, "Import");
    await page.getByText("The import has ended.").waitFor();
    await page.getByText("home_dir: must be an absolute path").waitFor();
    await inspect(page, "import-report");
    await page.getByRole("link", { name: "To the users" }).click();
    await page.getByRole("link", { name: "carol" }).waitFor();
    await inspect(page, "users-several");
  },

  async "the heads of columns sort the list, and a search keeps it sorted"(page) {
    const names = () => page.locator("td a").allInnerTexts();
    const head = (name) => page.getByRole("columnheader").getByRole("link", { name, exact: true });
    await page.setViewportSize({ width: 360, height: 900 });
    await head("Username").click();
    await at(page, "/web/users?order=DESC");
    assert.deepEqual(await names(), ["carol", "bob", "alice"]);
    await page.setViewportSize({ width: 1280, height: 900 });
    await head("Last login").click();
    await at(page, "/web/users?sort=last_login&order=DESC");
    assert.equal((await names())[0], "alice");
    assert.equal(await page.locator("th[aria-sort]").getAttribute("aria-sort"), "descending");
    await inspect(page, "users-sorted");
    await page.getByLabel("Search").fill("R");
    await page.waitForFunction(() => document.querySelectorAll("td a").length === 1);
    await page.getByLabel("Search").fill("");
    await page.getByLabel("Show").selectOption("disabled");
    await page.waitForURL(/show=disabled/);
    assert.deepEqual(await names(), ["carol"]);
    await head("Last login").click();
    await at(page, "/web/users?show=disabled&sort=last_login");
    assert.deepEqual(await names(), ["carol"]);
  },

  async "several are deleted when the word is typed"(page) {
    await open(page, "/web/users");
    await page.getByLabel("Select bob").check();
    await page.getByLabel("Select carol").check();
    await press(page, "Delete…");
    await inspect(page, "users-delete");
    await page.getByLabel("Confirm").fill("delete");
    await press(page, "Delete");
    await page.getByText("Deleted.").waitFor();
    await page.getByRole("link", { name: "alice" }).click();
  },

  async "the second of two admins is told"(page) {
    const other = await newPage();
    await logIn(other, "root", PASSWORD);
    await at(other, "/web");
    await open(other, "/web/users");
    await other.getByRole("link", { name: "alice" }).click();
    await other.getByLabel("GID").fill("8");
    await page.getByLabel("GID").fill("7");
    await press(page, "Save");
    await at(page, "/web/users?done=saved");
    await press(other, "Save");
    await other.getByText("Somebody else changed this user").waitFor();
    assert.equal(await other.getByLabel("GID").inputValue(), "8");
    await inspect(other, "user-conflict");
    await other.context().close();
    await page.getByRole("link", { name: "alice" }).click();
    assert.equal(await page.getByLabel("GID").inputValue(), "7");
  },

  async "a form with another value than the page's is refused"(page) {
    await page.evaluate(() => {
      for (const field of document.querySelectorAll("[name=csrf_token]")) field.value = "forged";
    });
    await page.getByLabel("GID").fill("9");
    await press(page, "Save");
    await page.getByRole("heading", { name: "Forbidden" }).waitFor();
    await inspect(page, "refused");
  },

  async "the dashboard tells what happened"(page) {
    // The dashboard may show for some seconds what it has shown before.
    const disks = page.getByText("Disks of homes");
    for (const until = Date.now() + 60_000; ; await page.waitForTimeout(1000)) {
      await open(page, "/web");
      if (await disks.isVisible() || Date.now() > until) break;
    }
    await disks.waitFor();
    await inspect(page, "dashboard-used");
  },

  async "the status is shown"(page) {
    await page.getByRole("link", { name: "Status" }).click();
    await page.getByText("Data provider").waitFor();
    await inspect(page, "status");
  },

  async "everything but live updates works without script"() {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await logIn(page, "root", PASSWORD);
    await open(page, "/web/users");
    await page.getByLabel("Search").fill("alice");
    await press(page, "Search");
    await page.getByRole("link", { name: "Size", exact: true }).click();
    await at(page, "/web/users?search=alice&sort=used_quota_size&order=DESC");
    await page.getByLabel("Select alice").check();
    await press(page, "Disable");
    await page.getByText("The selected users are disabled.").waitFor();
    await page.getByLabel("Select alice").check();
    await press(page, "Delete…");
    await page.getByLabel("Confirm").fill("yes");
    await press(page, "Delete");
    await page.locator("#confirm-error").waitFor();
    await open(page, "/web/maintenance");
    const alone = { username: "frank", status: 1, permissions: ["*"], home_dir: "/srv/frank", password: "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy" };
    const buffer = Buffer.from(JSON.stringify([alone]));
    await page.getByLabel("Dump", { exact: true }).setInputFiles({ name: "d.json", mimeType: "application/json", buffer });
    await press(page, "Preview");
    await press(page, "Import");
    // While it runs the page is loaded again by itself.
    await page.getByText("The import has ended.").waitFor();
    await open(page, "/web/users?search=frank");
    await page.getByLabel("Select frank").check();
    await press(page, "Delete…");
    await page.getByLabel("Confirm").fill("delete");
    await press(page, "Delete");
    await page.getByText("Deleted.").waitFor();
    await context.close();
  },

  async "an admin is added, and every other page is good"(page) {
    await open(page, "/web/manager");
    await page.getByLabel("Username").fill("eve");
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await page.getByLabel("May come from").fill("everywhere");
    await press(page, "Save");
    await page.locator("#allow_list-error").waitFor();
    await inspect(page, "admin-errors");
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await page.getByLabel("May come from").fill("");
    await page.getByLabel("view_users").check();
    await press(page, "Save");
    await at(page, "/web/admins?done=added");
    await inspect(page, "admins");
    await page.getByRole("link", { name: "eve", exact: true }).click();
    await inspect(page, "admin");
    await open(page, "/web/apikeys");
    await page.getByLabel("Name", { exact: true }).fill("backup");
    await press(page, "Save");
    await page.getByText("It is not shown again").waitFor();
    await inspect(page, "api-keys");
    await page.getByRole("link", { name: "backup" }).click();
    await inspect(page, "api-key");
    for (const name of ["Events", "Quota scans", "Defender", "Profile", "Second factor"]) {
      await page.getByRole("link", { name, exact: true }).click();
      await page.getByRole("heading", { name, exact: true }).first().waitFor();
      await inspect(page, name.toLowerCase().replace(" ", "-"));
    }
    await press(page, "Set up");
    await page.getByText("Scan this").waitFor();
    await inspect(page, "second-factor-setup");
  },

  async "a user is deleted with the name typed"(page) {
    await open(page, "/web/users?show=disabled");
    await page.getByRole("link", { name: "alice" }).click();
    await page.getByLabel("Confirm").fill("bob");
    await press(page, "Delete");
    await page.locator("#confirm-error").waitFor();
    await page.getByLabel("Confirm").fill("alice");
    await press(page, "Delete");
    await at(page, "/web/users?done=deleted");
    await page.getByText("There is no such user.").waitFor();
    const answer = await page.goto(`${WEB}/web/user/1`);
    assert.equal(answer.status(), 404);
    await inspect(page, "not-found");
  },

  async "a session ends with the password, and its live page with it"(page) {
    await open(page, "/web/connections");
    await page.getByText("Nobody is connected.").waitFor();
    const basic = "Basic " + Buffer.from(`root:${PASSWORD}`).toString("base64");
    const { access_token: token } = await rest("GET", "/api/v2/token", basic);
    const passwords = { current_password: PASSWORD, new_password: PASSWORD + "!" };
    await rest("PUT", "/api/v2/admin/changepwd", `Bearer ${token}`, passwords);
    await at(page, "/web/login");
  },

  async "a second factor is asked for"(page) {
    const basic = "Basic " + Buffer.from(`root:${PASSWORD}!`).toString("base64");
    const bearer = `Bearer ${(await rest("GET", "/api/v2/token", basic)).access_token}`;
    const made = await rest("POST", "/api/v2/admin/totp/generate", bearer, { config_name: "Default" });
    const secret = { status: "Plain", payload: made.secret };
    await rest("POST", "/api/v2/admin/totp/save", bearer, { enabled: true, config_name: "Default", secret });
    await logIn(page, "root", PASSWORD + "!");
    await at(page, "/web/twofactor?next=%2Fweb");
    await inspect(page, "twofactor");
    await page.getByLabel("Code", { exact: true }).fill("abc");
    await press(page, "Log in");
    await page.getByRole("alert").waitFor();
    await page.getByLabel("Code", { exact: true }).fill(totp(made.secret));
    await press(page, "Log in");
    await at(page, "/web");
    await page.getByRole("link", { name: "Second factor", exact: true }).click();
    await inspect(page, "second-factor-on");
    // The code of the login passes once.
    await page.getByLabel("Code", { exact: true }).fill(totp(made.secret, 1));
    await press(page, "Make other recovery codes");
    await page.getByText("Keep these codes").waitFor();
    await inspect(page, "recovery-codes");
  },
};

(async () => {
  // Tests run as root in containers, where Chromium has no sandbox.
  const args = ["--no-sandbox", "--disable-dev-shm-usage"];
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args });
  const page = await newPage();
  for (const [name, step] of Object.entries(steps)) {
    try {
      await step(page);
      console.log(`ok: ${name}`);
    } catch (error) {
      await page.screenshot({ path: path.join(SCREENSHOTS, "failed.png") }).catch(() => {});
      console.error(`FAILED: ${name}, at ${page.url()}`);
      throw error;
    }
  }
  await browser.close();
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
