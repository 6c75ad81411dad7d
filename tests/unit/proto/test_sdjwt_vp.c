/* SPDX-License-Identifier: Apache-2.0
 *
 * Presentations are composed here from text. A good one, then one that is wrong in one place for each way to be wrong.
 */
#include "proto/sdjwt_vp.h"

#include "vp_support.h"

#define NONCE "n-0S6_WzA2Mj"
#define VERIFIER "https://issuer.example"
#define VCT "https://pid.example/vct/pid"

static struct party root, leaf;
static struct s2s_jwk *holder;
static struct s2s_sdjwt_policy policy;
static const char *const vcts[] = {"urn:pid:0", VCT};
static struct s2s_sdjwt_expected expected;

/* A presentation in the making, every part as text. */
struct draft {
    const char *header, *payload;
    const struct s2s_jwk *signer, *binder;
    const char *disclosures;           /* each followed by "~" */
    const char *kb_header, *kb_claims; /* SD_HASH stands for the digest */
    const EVP_MD *hash;
};

static struct draft good;

/* The disclosures of the good one. FR is not presented. */
#define GIVEN_NAME "[\"salt-1\",\"given_name\",\"Zo\\u00eb\"]"
#define STREET "[\"salt-2\",\"street\",\"Main Street 1\"]"
#define DE "[\"salt-3\",\"DE\"]"
#define FR "[\"salt-4\",\"FR\"]"
#define DECOY "decoydecoydecoydecoydecoydecoydecoydecoydec"

/* The digest of the disclosure whose JSON is `content`. */
static const char *digest_in(const char *content, const EVP_MD *hash)
{
    return digest_of(b64(content), hash);
}

static struct draft make_good(const EVP_MD *hash, const char *sd_alg)
{
    const char *address = s2s_arena_printf(arena, "[\"salt-5\",\"address\",{\"country\":\"DE\",\"_sd\":[\"%s\"]}]",
                                           digest_in(STREET, hash));
    struct draft draft = {.signer = leaf.key, .binder = holder, .hash = hash};
    draft.header = s2s_arena_printf(arena, "{\"alg\":\"ES256\",\"typ\":\"dc+sd-jwt\",\"x5c\":%s}", x5c_of(&leaf, NULL));
    draft.payload = s2s_arena_printf(
        arena,
        "{\"iss\":\"https://pid.example\",\"iat\":1794999000,\"exp\":" LATER_TEXT ",\"vct\":\"" VCT
        "\",\"cnf\":{\"jwk\":%s},"
        "\"status\":{\"status_list\":{\"idx\":7,\"uri\":\"https://pid.example/status/1\"}},\"_sd_alg\":%s,"
        "\"_sd\":[\"%s\",\"%s\",\"" DECOY
        "\"],\"nationalities\":[{\"...\":\"%s\"},{\"...\":\"%s\"},\"UK\"],\"open\":{}}",
        jwk_text(holder), sd_alg, digest_in(address, hash), digest_in(GIVEN_NAME, hash), digest_in(FR, hash),
        digest_in(DE, hash));
    draft.disclosures = s2s_arena_printf(arena, "%s~%s~%s~%s~", b64(STREET), b64(DE), b64(GIVEN_NAME), b64(address));
    draft.kb_header = "{\"alg\":\"ES256\",\"typ\":\"kb+jwt\"}";
    draft.kb_claims = "{\"iat\":" NOW_TEXT ",\"aud\":\"" VERIFIER "\",\"nonce\":\"" NONCE "\",\"sd_hash\":\"SD_HASH\"}";
    return draft;
}

static void setup_presentation(void)
{
    setup();
    root = new_authority("Root", NULL);
    leaf = new_party("P-256", (struct certificate){.name = "PID signer", .names = "URI:https://pid.example"}, &root);
    holder = new_key(S2S_P256, NULL, NULL);
    policy = (struct s2s_sdjwt_policy){
        .trust = trust_in(&root), .iss_in_certificate = true, .leeway = 60, .max_age = 300, .limits = S2S_SDJWT_LIMITS};
    expected = (struct s2s_sdjwt_expected){NONCE, VERIFIER, vcts, 2, NOW};
    good = make_good(EVP_sha256(), "\"sha-256\"");
}

/* With the key binding over `bound` (NULL: what is presented). */
static const char *present(const struct draft *draft, const char *bound)
{
    const char *sd_jwt =
        s2s_arena_printf(arena, "%s~%s", sign_text(draft->signer, draft->header, draft->payload), draft->disclosures);
    const char *kb = bind_key(bound ? bound : sd_jwt, draft->hash, draft->binder, draft->kb_header, draft->kb_claims);
    return s2s_arena_printf(arena, "%s%s", sd_jwt, kb);
}

static struct s2s_result verify(const char *text, struct s2s_sdjwt_vp *out)
{
    return s2s_sdjwt_vp_verify(arena, &policy, &expected, text, strlen(text), out);
}

static void assert_code(const char *what, const char *text, enum s2s_code code)
{
    struct s2s_sdjwt_vp out;
    struct s2s_result r = verify(text, &out);
    ck_assert_msg(r.code == code, "%s: %d %s", what, (int)r.code, r.detail ? r.detail : "accepted");
}

static void assert_draft(const char *what, const struct draft *draft, enum s2s_code code)
{
    assert_code(what, present(draft, NULL), code);
}

static void assert_claims(const struct s2s_sdjwt_vp *vp)
{
    ck_assert_str_eq(s2s_json_string(vp->claims, "given_name"), "Zo\xc3\xab");
    struct json_object *address = s2s_json_get(vp->claims, "address");
    ck_assert_str_eq(json_object_to_json_string_ext(address, JSON_C_TO_STRING_PLAIN),
                     "{\"country\":\"DE\",\"street\":\"Main Street 1\"}");
    ck_assert_str_eq(json_object_to_json_string_ext(s2s_json_get(vp->claims, "nationalities"), JSON_C_TO_STRING_PLAIN),
                     "[\"DE\",\"UK\"]");
    ck_assert_ptr_null(s2s_json_get(vp->claims, "_sd"));
    ck_assert_ptr_null(s2s_json_get(vp->claims, "_sd_alg"));
}

START_TEST(test_good)
{
    struct s2s_sdjwt_vp out;
    struct s2s_result r = verify(present(&good, NULL), &out);
    ck_assert_msg(r.code == S2S_OK, "%s", r.detail);
    assert_claims(&out);
    ck_assert_str_eq(out.vct, VCT);
    ck_assert_str_eq(out.issuer, "https://pid.example");
    ck_assert_str_eq(s2s_jwk_thumbprint(out.holder), s2s_jwk_thumbprint(holder));
    ck_assert_int_eq(json_object_get_int(s2s_json_get(s2s_json_get(out.status, "status_list"), "idx")), 7);
}
END_TEST

START_TEST(test_hashes)
{
    const struct {
        const EVP_MD *hash;
        const char *name;
        enum s2s_code code;
    } rows[] = {
        {EVP_sha384(), "\"sha-384\"", S2S_OK},          {EVP_sha512(), "\"sha-512\"", S2S_OK},
        {EVP_sha256(), "\"SHA-256\"", S2S_UNSUPPORTED}, {EVP_sha1(), "\"sha-1\"", S2S_UNSUPPORTED},
        {EVP_sha256(), "null", S2S_UNSUPPORTED},        {EVP_sha256(), "[\"sha-256\"]", S2S_UNSUPPORTED},
        {EVP_sha384(), "\"sha-256\"", S2S_MALFORMED}, /* no disclosure has its digest */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct draft draft = make_good(rows[i].hash, rows[i].name);
        assert_draft(rows[i].name, &draft, rows[i].code);
    }
    struct draft unnamed = good;
    unnamed.payload = with(good.payload, "\"_sd_alg\":\"sha-256\",", "");
    assert_draft("the default", &unnamed, S2S_OK);
}
END_TEST

START_TEST(test_signature_algorithms)
{
    static const struct {
        const char *kind, *alg;
        enum s2s_curve curve;
    } rows[] = {{"P-384", "ES384", S2S_P384},
                {"P-521", "ES512", S2S_P521},
                {"ED25519", "EdDSA", S2S_ED25519},
                {"ED25519", "Ed25519", S2S_ED25519}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        leaf = new_party(rows[i].kind, (struct certificate){.name = "PID", .names = "DNS:pid.example"}, &root);
        holder = new_key(rows[i].curve, rows[i].alg, "k");
        struct draft draft = make_good(EVP_sha256(), "\"sha-256\"");
        draft.header = with(draft.header, "ES256", rows[i].alg);
        draft.kb_header = with(draft.kb_header, "ES256", rows[i].alg);
        assert_draft(rows[i].alg, &draft, S2S_OK);
    }
}
END_TEST

enum part { HEADER, PAYLOAD, KB_HEADER, KB_CLAIMS };

/* One part of a good presentation made otherwise; what is signed is signed after that. */
static const struct change {
    const char *what;
    enum part part;
    const char *from, *to;
    enum s2s_code code;
} changes[] = {
    {"the older typ", HEADER, "dc+sd-jwt", "vc+sd-jwt", S2S_OK},
    {"typ as a media type", HEADER, "dc+sd-jwt", "application/dc+sd-jwt", S2S_OK},
    {"another typ", HEADER, "dc+sd-jwt", "jwt", S2S_MISMATCH},
    {"no typ", HEADER, "\"typ\":\"dc+sd-jwt\",", "", S2S_MISMATCH},
    {"alg none", HEADER, "ES256", "none", S2S_UNSUPPORTED},
    {"alg HS256", HEADER, "ES256", "HS256", S2S_UNSUPPORTED},
    {"alg RS256", HEADER, "ES256", "RS256", S2S_UNSUPPORTED},
    {"alg of another curve", HEADER, "ES256", "ES384", S2S_MISMATCH},
    {"crit", HEADER, "{", "{\"crit\":[\"x5c\"],", S2S_UNSUPPORTED},
    {"no x5c", HEADER, "x5c", "x5d", S2S_MALFORMED},

    {"no times", PAYLOAD, "\"exp\":" LATER_TEXT ",", "", S2S_OK},
    {"expired", PAYLOAD, LATER_TEXT, "1794999940", S2S_STALE},
    {"expired within the leeway", PAYLOAD, LATER_TEXT, "1794999941", S2S_OK},
    {"an exp that is text", PAYLOAD, LATER_TEXT, "\"" LATER_TEXT "\"", S2S_MALFORMED},
    {"not valid yet", PAYLOAD, "{", "{\"nbf\":1795000061,", S2S_STALE},
    {"issued in the future", PAYLOAD, "1794999000", "1795000061", S2S_STALE},
    {"another type", PAYLOAD, VCT, "https://pid.example/vct/other", S2S_MISMATCH},
    {"the other accepted type", PAYLOAD, VCT, "urn:pid:0", S2S_OK},
    {"also of an accepted type", PAYLOAD, "\"vct\":\"" VCT "\"", "\"vct\":\"x\",\"aka_vcts\":[1,\"" VCT "\"]", S2S_OK},
    {"also of another type", PAYLOAD, "\"vct\":\"" VCT "\"", "\"vct\":\"x\",\"aka_vcts\":[\"y\"]", S2S_MISMATCH},
    {"a type that is a number", PAYLOAD, "\"vct\":\"" VCT "\"", "\"vct\":1", S2S_MALFORMED},
    {"no type", PAYLOAD, "\"vct\":\"" VCT "\",", "", S2S_MALFORMED},
    {"of an issuer that the certificate does not name", PAYLOAD, "https://pid.example\"", "https://other.example\"",
     S2S_MISMATCH},
    {"an iss that is a number", PAYLOAD, "\"https://pid.example\"", "1", S2S_MALFORMED},
    {"for us", PAYLOAD, "{", "{\"aud\":[\"" VERIFIER "\"],", S2S_OK},
    {"for others", PAYLOAD, "{", "{\"aud\":\"https://other.example\",", S2S_MISMATCH},
    {"no cnf", PAYLOAD, "\"cnf\"", "\"cng\"", S2S_MALFORMED},
    {"cnf without a key", PAYLOAD, "\"jwk\"", "\"kid\"", S2S_MALFORMED},
    {"cnf with a key off its curve", PAYLOAD, "\"y\":\"", "\"y\":\"A", S2S_BAD_KEY},
    {"cnf with a private key", PAYLOAD, "\"jwk\":{", "\"jwk\":{\"d\":\"AA\",", S2S_BAD_KEY},
    {"cnf with a key for encryption", PAYLOAD, "\"jwk\":{", "\"jwk\":{\"use\":\"enc\",", S2S_BAD_KEY},
    {"cnf with a key of another algorithm", PAYLOAD, "\"jwk\":{", "\"jwk\":{\"alg\":\"HPKE-0\",", S2S_MISMATCH},
    {"a status that is text", PAYLOAD, "\"status\":{", "\"status\":\"x\",\"statut\":{", S2S_MALFORMED},

    {"_sd that is no array", PAYLOAD, "\"_sd\":[", "\"_sd\":1,\"sd\":[", S2S_MALFORMED},
    {"_sd that is null", PAYLOAD, "\"open\":{}", "\"open\":{\"_sd\":null}", S2S_MALFORMED},
    {"_sd with a number", PAYLOAD, "\"_sd\":[", "\"_sd\":[1,", S2S_MALFORMED},
    {"an empty _sd", PAYLOAD, "\"open\":{}", "\"open\":{\"_sd\":[]}", S2S_OK},
    {"a decoy twice", PAYLOAD, "\"open\":{}", "\"open\":{\"_sd\":[\"" DECOY "\"]}", S2S_MALFORMED},
    {"_sd_alg further in", PAYLOAD, "\"open\":{}", "\"open\":{\"_sd_alg\":\"sha-256\"}", S2S_MALFORMED},
    {"an ellipsis in an object", PAYLOAD, "\"open\":{}", "\"open\":{\"...\":\"x\"}", S2S_MALFORMED},
    {"an ellipsis with company", PAYLOAD, "\"UK\"", "{\"...\":\"x\",\"a\":1}", S2S_MALFORMED},
    {"an ellipsis with a number", PAYLOAD, "\"UK\"", "{\"...\":1}", S2S_MALFORMED},
    {"_sd in what must be clear", PAYLOAD, "\"idx\":7", "\"_sd\":[\"x\"]", S2S_MALFORMED},
    {"an ellipsis in what must be clear", PAYLOAD, "\"idx\":7", "\"a\":[{\"...\":\"x\"}]", S2S_MALFORMED},
    {"a member twice", PAYLOAD, "{", "{\"vct\":\"" VCT "\",", S2S_MALFORMED},

    {"another typ of binding", KB_HEADER, "kb+jwt", "jwt", S2S_MISMATCH},
    {"an unsigned binding", KB_HEADER, "ES256", "none", S2S_UNSUPPORTED},
    {"a binding with HMAC", KB_HEADER, "ES256", "HS256", S2S_UNSUPPORTED},
    {"a binding with another algorithm", KB_HEADER, "ES256", "EdDSA", S2S_MISMATCH},
    {"another nonce", KB_CLAIMS, NONCE, "n-0S6_WzA2Mk", S2S_MISMATCH},
    {"no nonce", KB_CLAIMS, "\"nonce\":\"" NONCE "\",", "", S2S_MISMATCH},
    {"another audience", KB_CLAIMS, VERIFIER, "https://issuer.example/", S2S_MISMATCH},
    {"an array of audiences", KB_CLAIMS, "\"" VERIFIER "\"", "[\"" VERIFIER "\"]", S2S_MISMATCH},
    {"no audience", KB_CLAIMS, "\"aud\":\"" VERIFIER "\",", "", S2S_MISMATCH},
    {"no sd_hash", KB_CLAIMS, "sd_hash", "sd_hush", S2S_MISMATCH},
    {"another sd_hash", KB_CLAIMS, "SD_HASH", "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU", S2S_MISMATCH},
    {"no iat", KB_CLAIMS, "\"iat\":" NOW_TEXT ",", "", S2S_MALFORMED},
    {"an old binding", KB_CLAIMS, NOW_TEXT, "1794999699", S2S_STALE},
    {"a binding just not too old", KB_CLAIMS, NOW_TEXT, "1794999700", S2S_OK},
    {"a binding from the future", KB_CLAIMS, NOW_TEXT, "1795000061", S2S_STALE},
    {"a binding that has expired", KB_CLAIMS, "{", "{\"exp\":1794999940,", S2S_STALE},
};

START_TEST(test_changes)
{
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct draft draft = good;
        const char **parts[] = {[HEADER] = &draft.header,
                                [PAYLOAD] = &draft.payload,
                                [KB_HEADER] = &draft.kb_header,
                                [KB_CLAIMS] = &draft.kb_claims};
        const char **part = parts[changes[i].part];
        *part = with(*part, changes[i].from, changes[i].to);
        assert_draft(changes[i].what, &draft, changes[i].code);
    }
}
END_TEST

/* One more disclosure, whose digest takes the decoy's place, or that of an element. */
static const struct addition {
    const char *what, *content;
    bool element;
    enum s2s_code code;
} additions[] = {
    {"a claim", "[\"s\",\"age\",41]", false, S2S_OK},
    {"a claim that is null", "[\"s\",\"age\",null]", false, S2S_OK},
    {"an element that is null", "[\"s\",null]", true, S2S_OK},
    {"an element with a claim's disclosure", "[\"s\",\"age\",41]", true, S2S_MALFORMED},
    {"a claim with an element's disclosure", "[\"s\",41]", false, S2S_MALFORMED},
    {"four elements", "[\"s\",\"age\",41,1]", false, S2S_MALFORMED},
    {"an object", "{\"s\":1}", false, S2S_MALFORMED},
    {"an empty array", "[]", false, S2S_MALFORMED},
    {"a salt that is a number", "[1,\"age\",41]", false, S2S_MALFORMED},
    {"a name that is a number", "[\"s\",1,41]", false, S2S_MALFORMED},
    {"_sd", "[\"s\",\"_sd\",[]]", false, S2S_MALFORMED},
    {"_sd_alg", "[\"s\",\"_sd_alg\",\"sha-256\"]", false, S2S_MALFORMED},
    {"an ellipsis", "[\"s\",\"...\",41]", false, S2S_MALFORMED},
    {"a claim that is there", "[\"s\",\"open\",41]", false, S2S_MALFORMED},
    {"a claim that another one discloses", "[\"s\",\"given_name\",\"Eve\"]", false, S2S_MALFORMED},
    {"nbf", "[\"s\",\"nbf\",1]", false, S2S_MALFORMED},
    {"vct#integrity", "[\"s\",\"vct#integrity\",\"x\"]", false, S2S_MALFORMED},
    {"iat of the past, where there is one", "[\"s\",\"iat\",1]", false, S2S_MALFORMED},
    {"a digest that is there", "[\"s\",\"age\",{\"_sd\":[\"" DECOY "2\",\"" DECOY "2\"]}]", false, S2S_MALFORMED},
    {"_sd_alg inside", "[\"s\",\"age\",{\"_sd_alg\":\"sha-256\"}]", false, S2S_MALFORMED},
    {"an element inside that nobody disclosed", "[\"s\",\"ages\",[{\"...\":\"x\"}]]", false, S2S_OK},
    {"not JSON", "[\"s\",\"age\",41", false, S2S_MALFORMED},
    {"a name twice", "[\"s\",\"age\",{\"a\":1,\"a\":2}]", false, S2S_MALFORMED},
    {"nothing", "", false, S2S_MALFORMED},
};

/* `draft` with one more disclosure. */
static struct draft add(struct draft draft, const char *content, bool element)
{
    const char *digest = digest_in(content, EVP_sha256());
    draft.payload = element ? with(draft.payload, "\"UK\"", s2s_arena_printf(arena, "{\"...\":\"%s\"}", digest))
                            : with(draft.payload, DECOY, digest);
    draft.disclosures = s2s_arena_printf(arena, "%s%s~", draft.disclosures, b64(content));
    return draft;
}

START_TEST(test_additions)
{
    for (size_t i = 0; i < sizeof additions / sizeof additions[0]; i++) {
        struct draft draft = add(good, additions[i].content, additions[i].element);
        assert_draft(additions[i].what, &draft, additions[i].code);
    }
}
END_TEST

START_TEST(test_disclosures_that_do_not_fit)
{
    struct draft draft = good;
    draft.disclosures = s2s_arena_printf(arena, "%s%s~", good.disclosures, b64(GIVEN_NAME));
    assert_draft("one is there twice", &draft, S2S_MALFORMED);

    draft.disclosures = s2s_arena_printf(arena, "%s%s~", good.disclosures, b64("[\"s\",\"admin\",true]"));
    assert_draft("one has no digest", &draft, S2S_MALFORMED);

    draft.disclosures = with(good.disclosures, b64(GIVEN_NAME), b64("[\"salt-1\",\"given_name\",\"Eve\"]"));
    assert_draft("one was swapped", &draft, S2S_MALFORMED);

    const char *address =
        strrchr(s2s_arena_printf(arena, "%.*s", (int)strlen(good.disclosures) - 1, good.disclosures), '~');
    draft.disclosures = with(good.disclosures, address, "");
    assert_draft("one is there without the one that it belongs to", &draft, S2S_MALFORMED);

    /* the same octets, encoded otherwise: not canonical, and another digest */
    const char *padded = s2s_arena_printf(arena, "%s=", b64("[\"s\",\"age\",1234567]"));
    draft.payload = with(good.payload, DECOY, digest_of(padded, EVP_sha256()));
    draft.disclosures = s2s_arena_printf(arena, "%s%s~", good.disclosures, padded);
    assert_draft("one is padded", &draft, S2S_MALFORMED);

    char *loose = s2s_arena_printf(arena, "%s", b64("[\"s\",\"age\",12]")); /* of 14 octets: four spare bits */
    loose[strlen(loose) - 1]++;
    draft.payload = with(good.payload, DECOY, digest_of(loose, EVP_sha256()));
    draft.disclosures = s2s_arena_printf(arena, "%s%s~", good.disclosures, loose);
    assert_draft("one has spare bits", &draft, S2S_MALFORMED);

    draft = good;
    draft.payload = with(good.payload, "\"iat\":1794999000,", "");
    draft = add(draft, "[\"s\",\"iat\",1795000061]", false);
    assert_draft("one says that the credential is from the future", &draft, S2S_STALE);

    draft = good;
    draft.disclosures = "";
    struct s2s_sdjwt_vp out;
    ck_assert_int_eq(verify(present(&draft, NULL), &out).code, S2S_OK);
    ck_assert_ptr_null(s2s_json_get(out.claims, "given_name"));
    ck_assert_int_eq((int)json_object_array_length(s2s_json_get(out.claims, "nationalities")), 1);
}
END_TEST

START_TEST(test_what_is_presented)
{
    const char *text = present(&good, NULL);
    const char *jwt = sign_text(good.signer, good.header, good.payload);
    const char *kb = strrchr(text, '~') + 1;
    struct draft less = good;
    less.disclosures = s2s_arena_printf(arena, "%s~", b64(GIVEN_NAME));
    const char *rest = s2s_arena_printf(arena, "%s~%s", jwt, less.disclosures);
    const struct {
        const char *what, *text;
        enum s2s_code code;
    } rows[] = {
        {"more disclosures than are bound", present(&good, rest), S2S_MISMATCH},
        {"fewer disclosures than are bound", present(&less, strndupa(text, (size_t)(kb - text))), S2S_MISMATCH},
        {"bound without the last tilde", present(&good, strndupa(text, (size_t)(kb - text - 1))), S2S_MISMATCH},
        {"no key binding", s2s_arena_printf(arena, "%.*s", (int)(kb - text), text), S2S_MALFORMED},
        {"a bare JWT", jwt, S2S_MALFORMED},
        {"two key bindings", s2s_arena_printf(arena, "%s~%s", text, kb), S2S_MALFORMED},
        {"an empty disclosure", s2s_arena_printf(arena, "%s~~%s", jwt, kb), S2S_MALFORMED},
        {"a key binding alone", s2s_arena_printf(arena, "~%s", kb), S2S_MALFORMED},
        {"a space in front", s2s_arena_printf(arena, " %s", text), S2S_MALFORMED},
        {"a line break behind", s2s_arena_printf(arena, "%s\n", text), S2S_MALFORMED},
        {"nothing", "", S2S_MALFORMED},
        {"tildes", "~~~~", S2S_MALFORMED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_code(rows[i].what, rows[i].text, rows[i].code);
}
END_TEST

START_TEST(test_who_signed)
{
    struct draft draft = good;
    draft.signer = holder;
    assert_draft("a credential of the holder's", &draft, S2S_REFUSED);

    draft = good;
    draft.binder = new_key(S2S_P256, NULL, NULL);
    assert_draft("a key binding of a thief's", &draft, S2S_REFUSED);

    struct party stranger = new_authority("Root", NULL);
    struct party signer =
        new_party("P-256", (struct certificate){.name = "PID signer", .names = "URI:https://pid.example"}, &stranger);
    draft = good;
    draft.signer = signer.key;
    draft.header = with(good.header, base64_of(&leaf), base64_of(&signer));
    assert_draft("an issuer under a foreign root of the same name", &draft, S2S_REFUSED);

    signer = new_party(
        "P-256", (struct certificate){.name = "PID signer", .end = NOW - 1, .names = "URI:https://pid.example"}, &root);
    draft.signer = signer.key;
    draft.header = with(good.header, base64_of(&leaf), base64_of(&signer));
    assert_draft("an issuer whose certificate has expired", &draft, S2S_STALE);

    policy.trust = trust_in(NULL);
    assert_draft("no anchors at all", &good, S2S_UNKNOWN_KEY);
}
END_TEST

/* Without the demand that the certificate names `iss`, the issuer is who the certificate says. */
START_TEST(test_issuer_by_certificate)
{
    policy.iss_in_certificate = false;
    struct draft draft = good;
    struct s2s_sdjwt_vp out;
    draft.payload = with(good.payload, "\"https://pid.example\"", "\"https://other.example\"");
    ck_assert_int_eq(verify(present(&draft, NULL), &out).code, S2S_OK);
    ck_assert_str_eq(out.issuer, "CN=PID signer");
    policy.iss_in_certificate = true;
    draft.payload = with(good.payload, "\"iss\":\"https://pid.example\",", "");
    ck_assert_int_eq(verify(present(&draft, NULL), &out).code, S2S_OK);
    ck_assert_str_eq(out.issuer, "CN=PID signer");
}
END_TEST

static const char *repeat(const char *text, size_t times)
{
    size_t len = strlen(text);
    char *out = s2s_arena_alloc(arena, times * len + 1);
    for (size_t i = 0; i < times; i++)
        memcpy(out + i * len, text, len);
    return out;
}

START_TEST(test_limits)
{
    policy.limits = (struct s2s_sdjwt_limits){.octets = 8000, .disclosures = 4, .digests = 6, .depth = 4};
    assert_draft("as much as there may be", &good, S2S_OK);
    struct draft draft = add(good, "[\"s\",\"age\",41]", false);
    assert_draft("too many disclosures", &draft, S2S_LIMIT);
    policy.limits.disclosures = 5;
    assert_draft("not too many", &draft, S2S_OK);
    draft.payload = with(good.payload, "\"UK\"", "{\"...\":\"x\"}");
    draft.disclosures = good.disclosures;
    assert_draft("too many digests", &draft, S2S_LIMIT);

    policy.limits.digests = 100;
    draft.payload = with(good.payload, "\"open\":{}", "\"open\":[[{}]]");
    assert_draft("as deep as may be", &draft, S2S_OK);
    draft.payload = with(good.payload, "\"open\":{}", "\"open\":[[[[]]]]");
    assert_draft("too deep", &draft, S2S_LIMIT);
    draft = add(good, "[\"s\",\"age\",[[[[[]]]]]]", false);
    assert_draft("too deep in a disclosure", &draft, S2S_LIMIT);

    draft.payload = with(good.payload, "\"UK\"", s2s_arena_printf(arena, "\"%s\"", repeat("x", 8000)));
    assert_draft("too long", &draft, S2S_LIMIT);
}
END_TEST

/* Disclosures that nest in each other, each by itself as flat as can be. */
START_TEST(test_a_ladder_of_disclosures)
{
    const char *content = "[\"s\",\"a\",1]", *disclosures = good.disclosures;
    for (int i = 0; i < 20; i++) {
        disclosures = s2s_arena_printf(arena, "%s%s~", disclosures, b64(content));
        content = s2s_arena_printf(arena, "[\"s\",\"a\",{\"_sd\":[\"%s\"]}]", digest_in(content, EVP_sha256()));
    }
    struct draft draft = good;
    draft.disclosures = disclosures;
    draft = add(draft, content, false);
    assert_draft("a ladder of 20 rungs", &draft, S2S_LIMIT);
    policy.limits.depth = 32;
    assert_draft("where it may be", &draft, S2S_OK);
}
END_TEST

START_TEST(test_depth_bombs)
{
    struct draft draft = good;
    draft.payload = with(good.payload, "{}", s2s_arena_printf(arena, "%s%s", repeat("[", 2000), repeat("]", 2000)));
    assert_draft("in the payload", &draft, S2S_LIMIT);
    draft = add(good, s2s_arena_printf(arena, "[\"s\",\"a\",%s%s]", repeat("[", 2000), repeat("]", 2000)), false);
    assert_draft("in a disclosure", &draft, S2S_LIMIT);
    draft = add(good, s2s_arena_printf(arena, "[\"s\",%s%s]", repeat("{\"a\":", 2000), repeat("}", 2000)), true);
    assert_draft("in an element, and broken", &draft, S2S_LIMIT);
}
END_TEST

/* A small arena is a limit like any other. */
START_TEST(test_little_memory)
{
    const char *text = present(&good, NULL);
    struct s2s_arena *outer = arena;
    for (size_t size = 0; size < 40000; size += 97) {
        arena = s2s_arena_new(size);
        struct s2s_sdjwt_vp out;
        enum s2s_code code = verify(text, &out).code;
        ck_assert_msg(code == S2S_OK || code == S2S_LIMIT, "%zu: %d", size, (int)code);
        s2s_arena_free(arena);
    }
    arena = outer;
}
END_TEST

/* Every octet is under a signature or a digest, so none can be changed, and none left out. */
START_TEST(test_every_octet_counts)
{
    const char *text = present(&good, NULL);
    size_t len = strlen(text);
    struct s2s_arena *outer = arena;
    for (size_t i = 0; i < len; i++) {
        arena = s2s_arena_new(SCRATCH);
        struct s2s_sdjwt_vp out;
        char *changed = s2s_arena_strndup(arena, text, i);
        ck_assert_msg(verify(changed, &out).code != S2S_OK, "cut off at %zu", i);
        changed = s2s_arena_strndup(arena, text, len);
        changed[i] = (char)(changed[i] ^ (1 << i % 7));
        struct s2s_result r = s2s_sdjwt_vp_verify(arena, &policy, &expected, changed, len, &out);
        ck_assert_msg(r.code != S2S_OK, "changed at %zu", i);
        s2s_arena_free(arena);
    }
    arena = outer;
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("sdjwt_vp");
    TCase *tc = tcase_create("sdjwt_vp");
    tcase_add_checked_fixture(tc, setup_presentation, teardown);
    tcase_add_test(tc, test_good);
    tcase_add_test(tc, test_hashes);
    tcase_add_test(tc, test_signature_algorithms);
    tcase_add_test(tc, test_changes);
    tcase_add_test(tc, test_additions);
    tcase_add_test(tc, test_disclosures_that_do_not_fit);
    tcase_add_test(tc, test_what_is_presented);
    tcase_add_test(tc, test_who_signed);
    tcase_add_test(tc, test_issuer_by_certificate);
    tcase_add_test(tc, test_limits);
    tcase_add_test(tc, test_a_ladder_of_disclosures);
    tcase_add_test(tc, test_depth_bombs);
    tcase_add_test(tc, test_little_memory);
    tcase_add_test(tc, test_every_octet_counts);
    suite_add_tcase(s, tc);
    return s;
}

S2S_TEST_MAIN(suite)
