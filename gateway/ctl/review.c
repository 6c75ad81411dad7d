/* SPDX-License-Identifier: Apache-2.0
 *
 * What a reviewer does: decide a verification, or ask for more.
 */
#include "gateway/ctl/actions.h"
#include "gateway/ctl/request.h"
#include "proto/json.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_DEVICES 1000000
#define ITEM_TYPES "urn:s2s-gateway:verification:"

/* ---- versions ---- */

/* The version that is to be decided on: the given one, or that of now, which then must not change on the way. */
static enum ctl_status find_version(struct ctl *ctl, struct json_object *body)
{
    struct json_object *verification;
    long version;
    enum ctl_status status = ctl_number(ctl, "version", 1, INT32_MAX, 0, &version);
    if (status == CTL_OK && version == 0) {
        const char *path = ctl_text(ctl, "/v1/verifications/%s", ctl_encode(ctl, ctl->operands[0]));
        status = ctl_ask(ctl, "GET", path, NULL, &verification);
        if (status == CTL_OK)
            version = json_object_get_int64(s2s_json_get(verification, "version"));
    }
    json_object_object_add(body, "version", json_object_new_int64(version));
    return status;
}

static enum ctl_status post(struct ctl *ctl, struct json_object *body)
{
    struct json_object *answer;
    enum ctl_status status = ctl_ask(ctl, ctl->command->method, ctl_request_path(ctl), body, &answer);
    if (status == CTL_OK)
        ctl_show(ctl, NULL, answer);
    return status;
}

/* ---- decide ---- */

/* What an option adds to a decision, and of which decisions it may. */
static const struct {
    const char *word, *status;
    bool approves;
    const char *message; /* member that --message becomes */
} decisions[] = {
    {"approve", "APPROVED", true, NULL},
    {"reject", "REJECTED", false, "rejectedDetails"},
    {"deny", "DENIED", false, "deniedMessage"},
};

/* The n-th dataset, "CONFIGURATION=SUBJECT". */
static enum ctl_status add_dataset(struct ctl *ctl, struct json_object *list, const char *text)
{
    const char *equals = strchr(text, '=');
    if (equals == NULL)
        return ctl_fail(CTL_USAGE, "--dataset wants CONFIGURATION=SUBJECT");
    struct json_object *dataset = json_object_new_object();
    s2s_json_set_string(dataset, "credentialConfigurationId", ctl_text(ctl, "%.*s", (int)(equals - text), text));
    s2s_json_set_string(dataset, "subject", equals + 1);
    json_object_array_add(list, dataset);
    return CTL_OK;
}

static enum ctl_status add_approval(struct ctl *ctl, struct json_object *decision)
{
    const char *value;
    long devices;
    enum ctl_status status = ctl_number(ctl, "devices", 1, MAX_DEVICES, 0, &devices);
    struct json_object *ids = json_object_new_array(), *datasets = json_object_new_array();
    for (size_t i = 0; (value = ctl_value_at(ctl, "configuration", i)) != NULL; ++i)
        json_object_array_add(ids, json_object_new_string(value));
    for (size_t i = 0; status == CTL_OK && (value = ctl_value_at(ctl, "dataset", i)) != NULL; ++i)
        status = add_dataset(ctl, datasets, value);
    if (json_object_array_length(ids) > 0)
        json_object_object_add(decision, "credentialConfigurationIds", json_object_get(ids));
    if (json_object_array_length(datasets) > 0)
        json_object_object_add(decision, "datasets", json_object_get(datasets));
    if (ctl_value(ctl, "subject") != NULL)
        s2s_json_set_string(decision, "subject", ctl_value(ctl, "subject"));
    if (devices > 0)
        json_object_object_add(decision, "authorizedDeviceCount", json_object_new_int64(devices));
    json_object_put(ids);
    json_object_put(datasets);
    return status;
}

static enum ctl_status check_options(const struct ctl *ctl, bool approves)
{
    static const char *const of_approvals[] = {"configuration", "dataset", "devices", "subject"};
    static const char *const of_others[] = {"reason", "message"};
    for (size_t i = 0; !approves && i < sizeof(of_approvals) / sizeof(of_approvals[0]); ++i)
        if (ctl_given(ctl, of_approvals[i]))
            return ctl_fail(CTL_USAGE, "--%s is for an approval", of_approvals[i]);
    for (size_t i = 0; approves && i < sizeof(of_others) / sizeof(of_others[0]); ++i)
        if (ctl_given(ctl, of_others[i]))
            return ctl_fail(CTL_USAGE, "--%s is not for an approval", of_others[i]);
    if (!approves && !ctl_given(ctl, "reason"))
        return ctl_fail(CTL_USAGE, "--reason is needed");
    return CTL_OK;
}

enum ctl_status ctl_run_decide(struct ctl *ctl)
{
    size_t row = 0;
    while (row < sizeof(decisions) / sizeof(decisions[0]) && strcmp(decisions[row].word, ctl->operands[1]) != 0)
        ++row;
    if (row == sizeof(decisions) / sizeof(decisions[0]))
        return ctl_fail(CTL_USAGE, "a decision is approve, reject or deny");
    enum ctl_status status = check_options(ctl, decisions[row].approves);
    struct json_object *body = ctl_object(ctl), *decision = json_object_new_object();
    json_object_object_add(body, "decision", decision);
    s2s_json_set_string(decision, "status", decisions[row].status);
    if (ctl_value(ctl, "reason") != NULL)
        s2s_json_set_string(decision, "reasonCode", ctl_value(ctl, "reason"));
    if (ctl_value(ctl, "message") != NULL && decisions[row].message != NULL)
        s2s_json_set_string(decision, decisions[row].message, ctl_value(ctl, "message"));
    if (status == CTL_OK && decisions[row].approves)
        status = add_approval(ctl, decision);
    if (status == CTL_OK)
        status = find_version(ctl, body);
    return status == CTL_OK ? post(ctl, body) : status;
}

/* ---- ask ---- */

/* "TYPE" or "TYPE=ID": a type without a colon is one of this project's. */
static void add_item(struct ctl *ctl, struct json_object *items, const char *text)
{
    const char *equals = strchr(text, '=');
    int len = equals != NULL ? (int)(equals - text) : (int)strlen(text);
    bool is_short = memchr(text, ':', (size_t)len) == NULL;
    struct json_object *item = json_object_new_object();
    s2s_json_set_string(item, "type", ctl_text(ctl, "%s%.*s", is_short ? ITEM_TYPES : "", len, text));
    s2s_json_set_string(item, "id",
                        equals != NULL ? equals + 1
                                       : ctl_text(ctl, "%.*s-%zu", is_short ? len : 4, is_short ? text : "item",
                                                  json_object_array_length(items) + 1));
    json_object_object_add(item, "required", json_object_new_boolean(true));
    json_object_array_add(items, item);
}

/* An RFC 3339 moment, or a time from now ("15m"); NULL with a complaint. */
static const char *read_deadline(struct ctl *ctl, const char *text)
{
    static const struct {
        char unit;
        long seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    char *end, moment[32];
    long count = strtol(text, &end, 10);
    if (end == text || end[0] == '\0' || end[1] != '\0')
        return text; /* the gateway says what is wrong with it */
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); ++i) {
        if (units[i].unit != *end || count < 1 || count > 36500)
            continue;
        time_t when = time(NULL) + count * units[i].seconds;
        struct tm parts;
        strftime(moment, sizeof(moment), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&when, &parts));
        return ctl_text(ctl, "%s", moment);
    }
    (void)ctl_fail(CTL_USAGE, "--deadline is an RFC 3339 moment, or a time such as 15m, 24h, 3d");
    return NULL;
}

enum ctl_status ctl_run_ask(struct ctl *ctl)
{
    struct json_object *body = ctl_object(ctl), *request;
    const char *file = ctl_value(ctl, "request"), *item, *deadline = ctl_value(ctl, "deadline");
    if ((file != NULL) == ctl_given(ctl, "item"))
        return ctl_fail(CTL_USAGE, "what to ask for? Give --item, or --request");
    if (file != NULL) {
        request = json_object_get(ctl_read_json(ctl, file));
        if (request == NULL)
            return CTL_USAGE;
    } else {
        struct json_object *items = json_object_new_array();
        for (size_t i = 0; (item = ctl_value_at(ctl, "item", i)) != NULL; ++i)
            add_item(ctl, items, item);
        request = json_object_new_object();
        json_object_object_add(request, "verificationDataItems", items);
    }
    json_object_object_add(body, "verificationDataRequest", request);
    if (deadline != NULL) {
        deadline = read_deadline(ctl, deadline);
        if (deadline == NULL)
            return CTL_USAGE;
        s2s_json_set_string(body, "deadline", deadline);
    }
    enum ctl_status status = find_version(ctl, body);
    return status == CTL_OK ? post(ctl, body) : status;
}
