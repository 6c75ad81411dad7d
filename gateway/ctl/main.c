/* SPDX-License-Identifier: Apache-2.0
 *
 * s2sctl: what an issuer's operators do on the command line, and a wallet for trying out. docs/man/s2sctl.1 is its
 * manual.
 */
#include "gateway/ctl/ctl.h"

int main(int argc, char **argv)
{
    return ctl_main(argc, argv);
}
