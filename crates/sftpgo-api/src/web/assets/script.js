"use strict";
// Pages work without this. Here is what updates itself, the keyboard, and files of keys that are dropped.

// Connections: each is updated where it stands, so that what has the focus keeps it.
function update(live, html) {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  const list = live.querySelector("[data-part=list]");
  const known = new Map([...list.children].map((one) => [one.id, one]));
  let last = null;
  for (const one of fresh.querySelectorAll("[data-part=list] > *")) {
    const here = known.get(one.id);
    if (here) {
      const [before, now] = [here, one].map((side) => side.querySelector("[data-update]"));
      if (before.innerHTML !== now.innerHTML) before.replaceWith(now);
      known.delete(one.id);
      last = here;
    } else {
      last ? last.after(one) : list.prepend(one);
      last = one;
    }
  }
  for (const gone of known.values()) gone.remove();
  live.querySelector("[data-part=none]").hidden = list.children.length > 0;
}

for (const live of document.querySelectorAll("[data-live]")) {
  const state = document.querySelector("[data-live-state]");
  const events = new EventSource(live.dataset.live);
  events.onopen = () => (state.hidden = true);
  events.onmessage = (event) => update(live, event.data);
  events.addEventListener("end", () => {
    events.close();
    location.assign("/web/login");
  });
  events.onerror = () => (state.hidden = events.readyState !== EventSource.CLOSED);
}

// Search as you type: the list is replaced, the field keeps the focus.
for (const form of document.querySelectorAll("[data-search]")) {
  let waiting = 0;
  let latest = 0;
  const search = async () => {
    const turn = ++latest;
    const address = form.action + "?" + new URLSearchParams(new FormData(form));
    const answer = await fetch(address, { redirect: "error" }).catch(() => null);
    if (turn !== latest) return;
    if (!answer || !answer.ok) return form.submit();
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (turn !== latest) return;
    document.querySelector("[data-found]").replaceWith(page.querySelector("[data-found]"));
    history.replaceState(null, "", address);
  };
  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(search, 250);
  };
  form.addEventListener("input", soon);
}

// What is being done: the part of the page that tells it is replaced until it is done.
const poll = async (part) => {
  const answer = await fetch(location.href, { redirect: "error" }).catch(() => null);
  if (!answer) return setTimeout(poll, 3000, part);
  if (!answer.ok) return location.reload();
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector("[data-poll]");
  if (!fresh) return location.reload();
  if (part.innerHTML !== fresh.innerHTML) part.innerHTML = fresh.innerHTML;
  setTimeout(poll, 1000, part);
};
for (const part of document.querySelectorAll("[data-poll]")) setTimeout(poll, 1000, part);

// A file that the server would refuse for its size is not sent.
for (const field of document.querySelectorAll("[data-largest]")) {
  field.addEventListener("change", () => {
    const tooLarge = [...field.files].some((file) => file.size > Number(field.dataset.largest));
    field.setCustomValidity(tooLarge ? field.dataset.tooLarge : "");
    field.reportValidity();
  });
}

// Keys: `/` searches, `n` adds.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select")) return;
  const one = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (!one) return;
  event.preventDefault();
  one.matches("a") ? one.click() : one.focus();
});

// A file of public keys dropped on their field is added to it.
const keys = document.getElementById("public_keys");
if (keys) {
  keys.addEventListener("dragover", (event) => {
    event.preventDefault();
    keys.classList.add("dropping");
  });
  keys.addEventListener("dragleave", () => keys.classList.remove("dropping"));
  keys.addEventListener("drop", async (event) => {
    keys.classList.remove("dropping");
    const files = [...event.dataTransfer.files].filter((file) => file.size <= 65536);
    if (!files.length) return;
    event.preventDefault();
    const texts = await Promise.all(files.map((file) => file.text()));
    keys.value = [keys.value, ...texts].map((text) => text.trim()).filter(Boolean).join("\n");
  });
}
