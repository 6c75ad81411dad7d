/* SPDX-License-Identifier: Apache-2.0
 *
 * gw-docgen: prints docs/configuration.md.
 */
#include "config.h"

#include <stdlib.h>

int main(void)
{
    gw_config_write_reference(stdout);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
