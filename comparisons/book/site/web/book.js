// What the pages of the book need beside the theme: graphs and pages to step through follow the chosen mode.
"use strict";

// The mode that the reader chose: "light", "dark" or, if it is to be the system's, "auto".
function chosen() {
  return document.body.dataset.theme || localStorage.getItem("theme") || "auto";
}

// Drawn graphs know the mode of JupyterLab, and so this.
function show() {
  const theme = chosen();
  if (theme === "auto") delete document.documentElement.dataset.jpThemeLight;
  else document.documentElement.dataset.jpThemeLight = String(theme === "light");
  for (const frame of document.querySelectorAll("iframe[srcdoc]")) tell(frame);
}

// A page to step through is asked to look like the page around it.
function tell(frame) {
  frame.contentWindow.postMessage({ theme: chosen() }, "*");
}

// What is wider than its place can be moved by keys too; and the captions beside the text say what headings they are.
function reach() {
  for (const box of document.querySelectorAll("article pre, .cell_output, .cell_output div, .table-wrapper, div.math")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
  }
  for (const caption of document.querySelectorAll("[role=heading]:not([aria-level])")) caption.ariaLevel = "2";
}

window.addEventListener("resize", reach);
document.addEventListener("DOMContentLoaded", () => {
  if (!document.body.dataset.theme) document.body.dataset.theme = chosen(); // a page of a file, which the theme leaves alone
  for (const frame of document.querySelectorAll("iframe[srcdoc]")) frame.addEventListener("load", () => tell(frame));
  new MutationObserver(show).observe(document.body, { attributeFilter: ["data-theme"] });
  show();
  reach();
});
