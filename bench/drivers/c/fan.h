/* What the parts of fan-out share: fan.c subscribes, fan_publish.c publishes. */
#ifndef FAN_H
#define FAN_H

#include "driver.h"

#define FAN_SUBJECT "bench"

/* Publishes COUNT messages of SIZE bytes to all who subscribe. */
int fan_publish(const char *endpoint, size_t size, long count, long subscribers);

#endif
