"use strict";

// Airflow stores the theme as "light", "dark" or "system".
function applyTheme() {
  let theme = null;
  try {
    theme = localStorage.getItem("theme");
  } catch {
    // The browser denies access to the storage: the theme of the system applies.
  }
  document.documentElement.dataset.theme = theme || "system";
}

// The poster and the metadata of a player are requested when the player scrolls into view, so that a page with many
// players loads quickly.
function loadPlayer(player) {
  if (player.dataset.poster) {
    // The poster is loaded before it is set: a player with a broken poster does not show the first frame of its video.
    const poster = new Image();
    poster.addEventListener("load", () => { player.poster = poster.src; });
    poster.src = player.dataset.poster;
  }
  player.preload = "metadata";
}

function followSentences(list) {
  const player = list.closest("figure")?.querySelector("audio, video");
  const buttons = [...list.querySelectorAll("button")];
  if (!player) {
    for (const button of buttons) button.disabled = true;
    return;
  }
  for (const button of buttons) {
    button.addEventListener("click", () => {
      player.currentTime = Number(button.dataset.from);
      player.play().catch(() => {});
    });
  }
  player.addEventListener("timeupdate", () => {
    const now = player.currentTime;
    for (const button of buttons) {
      const isCurrent = Number(button.dataset.from) <= now && now < Number(button.dataset.to);
      if (isCurrent) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    }
  });
}

// Return the lines of subtitles, each with its start time. If the format is not SRT or WebVTT, return the lines of the
// file without times.
function parseSubtitles(text) {
  const cues = [];
  for (const block of text.replaceAll("\r", "").split(/\n{2,}/)) {
    const lines = block.split("\n");
    const timing = lines.findIndex((line) => line.includes("-->"));
    if (timing >= 0) cues.push([lines[timing].split(/[.,\s]/)[0], lines.slice(timing + 1).join(" ")]);
  }
  return cues.length ? cues : text.split("\n").map((line) => ["", line]);
}

async function loadSubtitles(list) {
  const response = await fetch(list.dataset.subtitles);
  if (!response.ok) {
    showProblem({target: list});
    return;
  }
  for (const [start, content] of parseSubtitles(await response.text()).slice(0, 200)) {
    const line = document.createElement("li");
    const time = document.createElement("time");
    time.textContent = start;
    line.append(time, " ", content);
    list.append(line);
  }
}

function showProblem(event) {
  const problem = event.target.closest?.("figure")?.querySelector(".problem");
  if (problem) problem.hidden = false;
}

applyTheme();
addEventListener("storage", applyTheme);
// The error events of media elements do not bubble, so they are handled in the capturing phase.
addEventListener("error", showProblem, true);
addEventListener("DOMContentLoaded", () => {
  const observer = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      observer.unobserve(entry.target);
      if (entry.target.dataset.subtitles) loadSubtitles(entry.target);
      else loadPlayer(entry.target);
    }
  });
  for (const player of document.querySelectorAll("audio, video, [data-subtitles]")) observer.observe(player);
  for (const list of document.querySelectorAll(".sentences:not([data-subtitles])")) followSentences(list);
});
