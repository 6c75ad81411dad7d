/* SPDX-License-Identifier: Apache-2.0
 *
 * The OpenAPI 3.1 document of an API (net/api.h), made from its routes.
 */
#ifndef GW_API_OPENAPI_H
#define GW_API_OPENAPI_H

#include "gateway/net/api.h"

/* What is said of the routes whose path has `name` after the version. */
struct gw_api_tag {
    const char *name;
    const char *doc;
};

/* What the routes do not know. */
struct gw_api_document {
    const struct gw_api *api;
    const char *title;
    const char *version;
    const char *description;
    const char *host; /* default of the server's host variable */
    const struct gw_api_tag *tags;
    size_t tag_count;
};

/* One new reference. */
struct json_object *gw_api_openapi(const struct gw_api_document *document);

#endif
