/* Words in lines of text protocols: ASCII, and what parts them. Owns how they compare and where they end. */
#ifndef WORDS_H
#define WORDS_H

#include "octets.h"

#include <stdbool.h>

bool view_is(struct view text, const char *expected);
bool view_is_caseless(struct view text, const char *expected);
struct view view_of(const char *text);
struct view view_part(struct view text, size_t from, size_t size);
struct view view_trim(struct view text); /* without the spaces and tabs around it */
/* Up to the octet, which is taken off *rest too; the whole rest if it is not there. */
struct view view_split(struct view *rest, uint8_t octet);

/* If the text begins with the word, in any case, it is taken off. */
bool word_skip(struct view *text, const char *word);
void word_skip_spaces(struct view *text);
/* Takes what stands before the next space, or all, off the text. */
struct view word_next(struct view *text);
/* Takes the digits that the text begins with off it; a number above `most`, which is 9 at least, counts as that. False:
 * there are none. */
bool word_number(struct view *text, uint64_t most, uint64_t *number);

#endif
