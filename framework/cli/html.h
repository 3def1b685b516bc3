/*
 * What the pages share (page.c, study_page.c): one style, light or dark as the
 * reader's screen is, one column on a phone; text from files made harmless.
 */
#ifndef PTA_CLI_HTML_H
#define PTA_CLI_HTML_H

#include <stdio.h>

/** Up to <h1>, which the caller writes: head with style and title. Colours of
 * data are the classes f0 .. f4 (fill), s0 .. s4 (stroke), b0 .. b4 (back). */
void pta_html_begin(FILE *file, const char *title);
void pta_html_end(FILE *file);

/** Names come from a file: no markup of theirs may reach the page. */
void pta_html_text(FILE *file, const char *text);

#endif
