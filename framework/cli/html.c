/* The style of all pages (html.h). */
#include "cli/html.h"

static const char *const head =
    "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
    "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
    "<style>\n"
    ":root{color-scheme:light dark;--bg:#fff;--fg:#1c2430;--dim:#5c6878;"
    "--line:#d4dae3;--card:#f5f7fa;--c0:#2f6fb0;--c1:#c2571a;--c2:#2e8555;"
    "--c3:#8a4fa0;--c4:#6b7686}\n"
    "@media(prefers-color-scheme:dark){:root{--bg:#12161c;--fg:#e4e9f0;"
    "--dim:#98a4b5;--line:#323b48;--card:#1b212a;--c0:#6fabe8;--c1:#ee9257;"
    "--c2:#67c08f;--c3:#c995dd;--c4:#93a0b2}}\n"
    "body{margin:0 auto;padding:1rem;max-width:68rem;background:var(--bg);"
    "color:var(--fg);font:15px/1.5 system-ui,sans-serif;"
    "overflow-wrap:anywhere}\n"
    "h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}"
    "p,.dim{color:var(--dim)}figure{margin:0}figcaption{font-weight:600}\n"
    ".grid{display:grid;gap:.8rem;"
    "grid-template-columns:repeat(auto-fit,minmax(min(17rem,100%),1fr))}\n"
    ".wide{grid-template-columns:repeat(auto-fit,minmax(min(21rem,100%),1fr))}"
    "\n"
    ".card{background:var(--card);border:1px solid var(--line);min-width:0;"
    "border-radius:.5rem;padding:.7rem}\n"
    ".scroll{overflow-x:auto;overflow-wrap:normal}"
    "table{border-collapse:collapse}"
    "td,th{padding:.25rem .7rem;border-bottom:1px solid var(--line);"
    "text-align:right;vertical-align:bottom}td{white-space:nowrap}"
    "td:last-child{white-space:normal}"
    ".card h2{margin-top:0}"
    "td:first-child,th:first-child{text-align:left;padding-left:0}\n"
    "svg{width:100%;height:auto;display:block}svg text{fill:var(--fg);"
    "font:12px system-ui,sans-serif}svg .dim{fill:var(--dim)}"
    ".line{stroke:var(--line)}.track{fill:var(--line)}"
    ".over{fill:#c8372d}\n"
    ".f0{fill:var(--c0)}.f1{fill:var(--c1)}.f2{fill:var(--c2)}"
    ".f3{fill:var(--c3)}.f4{fill:var(--c4)}"
    ".s0{stroke:var(--c0)}.s1{stroke:var(--c1)}.s2{stroke:var(--c2)}"
    ".s3{stroke:var(--c3)}.s4{stroke:var(--c4)}"
    ".b0{background:var(--c0)}.b1{background:var(--c1)}"
    ".b2{background:var(--c2)}.b3{background:var(--c3)}"
    ".b4{background:var(--c4)}\n"
    ".key{display:flex;flex-wrap:wrap;gap:.1rem 1rem;font-size:.85rem}"
    ".key svg{display:inline-block;width:26px;height:10px;"
    "vertical-align:middle;margin-right:.3rem}"
    ".key i{display:inline-block;width:12px;height:12px;"
    "vertical-align:-1px;margin-right:.3rem}\n"
    ".bar{display:flex;height:14px;background:var(--line);"
    "margin:.1rem 0 .5rem}.bar i{display:block}\n"
    "</style>";

void pta_html_text(FILE *file, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '<':
            fputs("&lt;", file);
            break;
        case '>':
            fputs("&gt;", file);
            break;
        case '&':
            fputs("&amp;", file);
            break;
        case '"':
            fputs("&quot;", file);
            break;
        default:
            fputc(*text, file);
        }
    }
}

void pta_html_begin(FILE *file, const char *title)
{
    fputs(head, file);
    fputs("<title>", file);
    pta_html_text(file, title);
    fputs("</title></head><body>\n", file);
}

void pta_html_end(FILE *file)
{
    fputs("</body></html>\n", file);
}
