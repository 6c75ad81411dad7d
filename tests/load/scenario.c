/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/load/scenario.h"

#include "tests/load/scan.h"

#include <string.h>

const char load_not_yet[] = "not yet";

#define STEPS(...)                                                                                                     \
    .steps = {__VA_ARGS__}, .step_count = sizeof((enum load_step[]){__VA_ARGS__}) / sizeof(enum load_step)

const struct load_scenario load_scenarios[LOAD_ALL_SCENARIOS] = {
    [LOAD_SCENARIO_INITIATE] = {"initiate", "initiate a verification (with --payloads N client payloads)",
                                STEPS(LOAD_INITIATE), .opens = true, .parts = LOAD_PART_INITIATE},
    [LOAD_SCENARIO_DECISION] = {"decision", "initiate, then poll the status until it is APPROVED",
                                STEPS(LOAD_INITIATE, LOAD_DECISION), .opens = true, .parts = LOAD_PART_INITIATE},
    [LOAD_SCENARIO_FLOW] = {"flow", "initiate, poll, provision, get with --keys keys",
                            STEPS(LOAD_INITIATE, LOAD_DECISION, LOAD_PROVISION, LOAD_GET), .opens = true,
                            .parts = LOAD_PART_INITIATE | LOAD_PART_GET},
    [LOAD_SCENARIO_GET] = {"get", "refresh the credentials of --keys keys", STEPS(LOAD_GET), .parts = LOAD_PART_GET},
    [LOAD_SCENARIO_STATUS] = {"status", "ask for the status of a verification", STEPS(LOAD_STATUS)},
    [LOAD_SCENARIO_CREDENTIAL_STATUS] = {"credential-status", "ask for the status of a credential",
                                         STEPS(LOAD_CREDENTIAL_STATUS)},
    [LOAD_SCENARIO_LIFECYCLE] = {"lifecycle", "suspend and resume a credential", STEPS(LOAD_SUSPEND, LOAD_RESUME)},
    [LOAD_SCENARIO_OPEN] = {"open", "open a session for the other scenarios",
                            STEPS(LOAD_INITIATE, LOAD_DECISION, LOAD_PROVISION, LOAD_CONFIRM), .opens = true,
                            .parts = LOAD_PART_INITIATE},
};

enum load_scenario_id load_scenario_named(const char *name, size_t len)
{
    enum load_scenario_id id = 0;
    while (id < LOAD_SCENARIOS &&
           (strlen(load_scenarios[id].name) != len || memcmp(load_scenarios[id].name, name, len)))
        ++id;
    return id;
}

/* ---- requests ---- */

/* Write these texts, up to a NULL, one after the other. */
static struct s2s_bytes write_body(struct load_buffer *scratch, const char *const *parts)
{
    scratch->len = 0;
    for (; *parts != NULL; ++parts)
        load_buffer_text(scratch, *parts);
    return load_buffer_view(scratch);
}

#define BODY(scratch, ...) write_body((scratch), (const char *const[]){__VA_ARGS__, NULL})

static struct s2s_bytes compose_initiate(const struct load_session *session, struct load_buffer *scratch)
{
    (void)scratch;
    return load_buffer_view(&session->initiate);
}

static struct s2s_bytes compose_verification(const struct load_session *session, struct load_buffer *scratch)
{
    return BODY(scratch, "{\"sessionId\":\"", session->session_id, "\",\"verificationId\":\"", session->verification_id,
                "\"}");
}

static struct s2s_bytes compose_get(const struct load_session *session, struct load_buffer *scratch)
{
    BODY(scratch, "{\"sessionId\":\"", session->session_id, "\",\"credentialInstanceId\":\"", session->instance_id,
         "\",");
    load_buffer_bytes(scratch, load_buffer_view(&session->get));
    return load_buffer_view(scratch);
}

static struct s2s_bytes compose_instance(const struct load_session *session, struct load_buffer *scratch)
{
    return BODY(scratch, "{\"sessionId\":\"", session->session_id, "\",\"credentialInstanceId\":\"",
                session->instance_id, "\"}");
}

static struct s2s_bytes compose_confirm(const struct load_session *session, struct load_buffer *scratch)
{
    time_t now = time(NULL);
    struct tm utc;
    char timestamp[32];
    strftime(timestamp, sizeof(timestamp), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    return BODY(scratch, "{\"sessionId\":\"", session->session_id, "\",\"credentialInstanceId\":\"",
                session->instance_id, "\",\"eventType\":\"PROVISIONING_SUCCESS\",\"eventTimestamp\":\"", timestamp,
                "\"}");
}

static struct s2s_bytes compose_suspend(const struct load_session *session, struct load_buffer *scratch)
{
    return BODY(scratch, "{\"sessionId\":\"", session->session_id, "\",\"credentialInstanceId\":\"",
                session->instance_id, "\",\"action\":\"SUSPEND\"}");
}

static struct s2s_bytes compose_resume(const struct load_session *session, struct load_buffer *scratch)
{
    return BODY(scratch, "{\"sessionId\":\"", session->session_id, "\",\"credentialInstanceId\":\"",
                session->instance_id, "\",\"action\":\"RESUME\"}");
}

/* ---- answers ---- */

/* Copy a string value that is one of our texts' size; false when it is none, or too long. */
static bool take_text(struct s2s_bytes value, char *out, size_t size)
{
    struct s2s_bytes text;
    if (!load_scan_string(value, &text) || text.len == 0 || text.len >= size)
        return false;
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
    return true;
}

static bool is_our_session(const struct load_session *session, struct s2s_bytes body)
{
    return load_scan_is(load_scan_member(body, "sessionId"), session->session_id);
}

static const char *check_status_of(struct load_session *session, struct s2s_bytes body)
{
    struct s2s_bytes status = load_scan_member(body, "status");
    session->approved = load_scan_is(status, "APPROVED");
    if (session->approved || load_scan_is(status, "PENDING"))
        return NULL;
    return status.len > 0 ? "the verification is neither PENDING nor APPROVED" : "no status";
}

static const char *check_initiate(struct load_session *session, struct s2s_bytes body)
{
    if (!is_our_session(session, body))
        return "not our sessionId";
    if (!take_text(load_scan_member(body, "verificationId"), session->verification_id, S2S_UUID_SIZE) ||
        !s2s_uuid_valid(session->verification_id, strlen(session->verification_id)))
        return "verificationId is no UUID";
    return check_status_of(session, body);
}

static const char *check_status(struct load_session *session, struct s2s_bytes body)
{
    if (!is_our_session(session, body))
        return "not our sessionId";
    if (!load_scan_is(load_scan_member(body, "verificationId"), session->verification_id))
        return "not our verificationId";
    return check_status_of(session, body);
}

static const char *check_decision(struct load_session *session, struct s2s_bytes body)
{
    const char *wrong = check_status(session, body);
    return wrong == NULL && !session->approved ? load_not_yet : wrong;
}

static const char *check_provision(struct load_session *session, struct s2s_bytes body)
{
    struct s2s_bytes first = load_scan_element(load_scan_member(body, "CredentialInstances"), 0);
    struct s2s_bytes id = load_scan_element(load_scan_member(first, "credentialInstanceIds"), 0);
    if (load_scan_member(first, "credentialConfigurationId").len == 0 ||
        !take_text(id, session->instance_id, LOAD_MAX_INSTANCE_ID))
        return "no credential instance";
    return NULL;
}

static const char *check_get(struct load_session *session, struct s2s_bytes body)
{
    struct s2s_bytes credentials = load_scan_member(body, "credentials");
    (void)session;
    if (load_scan_member(body, "credentialVersion").len < 3)
        return "no credentialVersion";
    if (credentials.len < 3 || (credentials.data[0] != '"' && credentials.data[0] != '{'))
        return "no credentials";
    return NULL;
}

static const char *check_credential_status(struct load_session *session, struct s2s_bytes body)
{
    (void)session;
    if (!load_scan_is(load_scan_member(body, "currentStatus"), "ACTIVE"))
        return "the credential is not ACTIVE";
    return load_scan_member(body, "currentVersion").len >= 3 ? NULL : "no currentVersion";
}

static const char *check_confirm(struct load_session *session, struct s2s_bytes body)
{
    struct s2s_bytes acknowledged = load_scan_member(body, "acknowledged");
    (void)session;
    return acknowledged.len == 4 && memcmp(acknowledged.data, "true", 4) == 0 ? NULL : "the event is not acknowledged";
}

static const char *check_manage(const struct load_session *session, struct s2s_bytes body, const char *status)
{
    if (!is_our_session(session, body))
        return "not our sessionId";
    if (!load_scan_is(load_scan_member(body, "credentialInstanceId"), session->instance_id))
        return "not our credentialInstanceId";
    if (!load_scan_is(load_scan_member(body, "outcome"), "COMPLETED"))
        return "the outcome is not COMPLETED";
    return load_scan_is(load_scan_member(body, "currentStatus"), status) ? NULL : "not the status asked for";
}

static const char *check_suspend(struct load_session *session, struct s2s_bytes body)
{
    return check_manage(session, body, "SUSPENDED_WALLET");
}

static const char *check_resume(struct load_session *session, struct s2s_bytes body)
{
    return check_manage(session, body, "ACTIVE");
}

const struct load_step_info load_steps[LOAD_STEPS] = {
    [LOAD_INITIATE] = {"initiate", S2S_INITIATE, .changes = true, .compose = compose_initiate, .check = check_initiate},
    [LOAD_DECISION] = {"decision", S2S_VERIFICATION_STATUS, .compose = compose_verification, .check = check_decision},
    [LOAD_PROVISION] = {"provision", S2S_PROVISION, .changes = true, .compose = compose_verification,
                        .check = check_provision},
    [LOAD_GET] = {"get", S2S_GET, .changes = true, .may_wait = true, .compose = compose_get, .check = check_get},
    [LOAD_STATUS] = {"status", S2S_VERIFICATION_STATUS, .compose = compose_verification, .check = check_status},
    [LOAD_CREDENTIAL_STATUS] = {"credential-status", S2S_CREDENTIAL_STATUS, .compose = compose_instance,
                                .check = check_credential_status},
    [LOAD_CONFIRM] = {"confirm", S2S_EVENT_NOTIFY, .changes = true, .compose = compose_confirm, .check = check_confirm},
    [LOAD_SUSPEND] = {"suspend", S2S_MANAGE, .changes = true, .compose = compose_suspend, .check = check_suspend},
    [LOAD_RESUME] = {"resume", S2S_MANAGE, .changes = true, .compose = compose_resume, .check = check_resume},
};

/* ---- judging ---- */

/* What follows the last colon of a problem's type, with the status: "HTTP 409 wrong-state". */
static void label_refusal(const struct load_answer *answer, char *label)
{
    struct s2s_bytes type = load_scan_member(load_buffer_view(&answer->body), "type"), text = s2s_bytes("", 0);
    if (answer->content == LOAD_CONTENT_PROBLEM && load_scan_string(type, &text)) {
        const uint8_t *colon = memrchr(text.data, ':', text.len);
        if (colon != NULL)
            text = s2s_bytes(colon + 1, text.len - (size_t)(colon + 1 - text.data));
    }
    snprintf(label, LOAD_LABEL_SIZE, "HTTP %d %.*s", answer->status, (int)(text.len < 48 ? text.len : 48),
             (const char *)text.data);
}

enum load_verdict load_step_judge(enum load_step step, struct load_session *session, const struct load_answer *answer,
                                  struct load_finding *finding)
{
    const struct load_step_info *info = &load_steps[step];
    finding->pause = (uint64_t)answer->retry_after * LOAD_S;
    if (answer->status != 200 && !(answer->status == 202 && info->may_wait)) {
        label_refusal(answer, finding->label);
        return LOAD_WRONG;
    }
    const char *wrong;
    if (answer->content != LOAD_CONTENT_JSON)
        wrong = "not application/json";
    else if (!answer->echoed)
        wrong = "x-request-id is not echoed";
    else
        wrong = answer->status == 202 ? load_not_yet : info->check(session, load_buffer_view(&answer->body));
    if (wrong == NULL)
        return LOAD_NEXT;
    if (wrong == load_not_yet)
        return LOAD_AGAIN;
    snprintf(finding->label, LOAD_LABEL_SIZE, "wrong answer to %s: %s", info->name, wrong);
    return LOAD_WRONG;
}
