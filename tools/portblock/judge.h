/*
 * From findings to the judgement. Pure: the one place that concludes.
 */
#ifndef PORTBLOCK_JUDGE_H
#define PORTBLOCK_JUDGE_H

#include "portblock.h"

struct judgement judge(const struct findings *f);

#endif
