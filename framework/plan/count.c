/* What blocks take of a board. */
#include "plan/design_priv.h"

void pta_design_count(pta_design *design)
{
    (void)design;
}
