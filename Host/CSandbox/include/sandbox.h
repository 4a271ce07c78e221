#ifndef GANTRY_SANDBOX_H
#define GANTRY_SANDBOX_H

/* The newest Landlock ABI that the kernel speaks; 0 if it has none. */
int gantry_landlock_abi(void);

#endif
