/* The reversal protocol: who owes whom when messages, power and memory are lost (Promela, spin 6.5.2).
 *
 *   one hop    terminal (journal) <-> host (log)
 *   two hops   terminal (journal) <-> acquirer (log and queue) <-> issuer (log)        TWOHOP=1
 *
 * The network is a bag: a count for each kind of message and transaction, so that any delay and any order come for
 * free. Loss, duplication, early time-outs, power cuts at the terminal and crashes at the host have budgets, so that
 * every run is finite.
 *
 * Every rule of the design is a macro, 1 where it is kept. With all rules kept nothing breaks; README.md maps the
 * macros onto the rules, variants.tsv says what happens when one is dropped. A file for each part:
 *   reversal.pml  the sale, its reversal, the one process     advice.pml  sales approved offline, told later (ADVICE)
 *   void.pml      voids, over one hop and over two (VOID)     keys.pml    session keys that went stale (KEYS)
 */
#ifndef N
#define N 2            /* transactions of the terminal */
#endif
#ifndef LOSS
#define LOSS 1
#endif
#ifndef DUP
#define DUP 1
#endif
#ifndef SPUR
#define SPUR 2         /* a timer fires although something is still on its way: a slow host, a late answer */
#endif
#ifndef TCRASH
#define TCRASH 1
#endif
#ifndef HCRASH
#define HCRASH 1
#endif
#ifndef STANMOD
#define STANMOD N      /* less than N: the STAN wraps inside the time for which the host remembers */
#endif
#ifndef TWOHOP
#define TWOHOP 0
#endif
#ifndef VOID
#define VOID 0         /* 1: the terminal may void an approved sale */
#endif
#ifndef ADVICE
#define ADVICE 0       /* the first ADVICE transactions are approved offline */
#endif
#ifndef KEYS
#define KEYS 0         /* 1: messages are under session keys, which the host may replace or lose */
#endif

/* ---- rules of the terminal ---- */
#ifndef T_WAL
#define T_WAL 1        /* T1 the pending record is durable before the request leaves */
#endif
#ifndef T_ATOMIC
#define T_ATOMIC 1     /* T2 a change of state is one durable write */
#endif
#ifndef T_JRN1ST
#define T_JRN1ST 1     /* T3 the approval is durable before receipt and screen say so */
#endif
#ifndef T_BOOTPRN
#define T_BOOTPRN 1    /* T3 an approval whose receipt is unsure at boot is printed again */
#endif
#ifndef T_BOOTREV
#define T_BOOTREV 1    /* T4 a pending record found at boot is reversed */
#endif
#ifndef T_LATE
#define T_LATE 0       /* T5 a late approval: 0 is dropped, 1 is accepted and cancels the reversal, 2 is accepted beside it */
#endif
#ifndef T_RETRY
#define T_RETRY 1      /* T6 a reversal is repeated until it is acknowledged */
#endif
#ifndef T_CLEARLATE
#define T_CLEARLATE 1  /* T6 the record leaves the queue after the answer; 0: at the send */
#endif
#ifndef T_MATCHACK
#define T_MATCHACK 1   /* T7 only the answer with this record's key clears it */
#endif
#ifndef T_MATCHRSP
#define T_MATCHRSP 1   /* T8 only the answer with this request's key answers it */
#endif
#ifndef T_CARDDECL
#define T_CARDDECL 1   /* the card may refuse what the host approved */
#endif
#ifndef T_REVCARD
#define T_REVCARD 1    /* T9 an approval that the card refuses is reversed */
#endif
#ifndef T_SETTLEGATE
#define T_SETTLEGATE 1 /* T10 the batch closes only when the queue is empty */
#endif
#ifndef T_STANDUR
#define T_STANDUR 1    /* T11 the STAN is durable before it is used */
#endif
#ifndef T_REVFIRST
#define T_REVFIRST 1   /* policy: the queue is emptied before the next sale */
#endif
#ifndef T_RETRYREQ
#define T_RETRYREQ 0   /* 1: the request is repeated once (0201) before it is reversed */
#endif
/* ---- rules of the host, and of the issuer ---- */
#ifndef H_DEDUP
#define H_DEDUP 1      /* H1 a duplicate gets the stored answer and moves no money */
#endif
#ifndef H_TOMB
#define H_TOMB 1       /* H2 an unmatched reversal is remembered; 0: acknowledged and forgotten, 2: refused, to be repeated */
#endif
#ifndef I_TOMB
#define I_TOMB H_TOMB  /* H2 at the issuer */
#endif
#ifndef H_TOMBTTL
#define H_TOMBTTL 0    /* H2 1: a tombstone may expire while its original is still on its way */
#endif
#ifndef H_IDEMP
#define H_IDEMP 1      /* H3 a repeated reversal credits once */
#endif
#ifndef H_RECHECK
#define H_RECHECK 1    /* H4 the log is read again when the decision is taken */
#endif
#ifndef H_FULLKEY
#define H_FULLKEY 1    /* H5 the key is terminal, STAN, date and batch; 0: terminal and STAN */
#endif
#ifndef H_LASTMATCH
#define H_LASTMATCH 0  /* H5 1: a reversal means the terminal's last approved sale */
#endif
#ifndef H_DURACK
#define H_DURACK 1     /* H6 the log is durable before the answer leaves */
#endif
/* ---- rules of the acquirer towards the issuer ---- */
#ifndef A_WAL
#define A_WAL 1        /* A1 the pending record is durable before the request is forwarded */
#endif
#ifndef H_FWDUNK
#define H_FWDUNK 0     /* A1 1: a reversal of an unknown original is forwarded too */
#endif
#ifndef A_TMOREV
#define A_TMOREV 1     /* A2 who declines because the issuer is silent reverses it there */
#endif
#ifndef A_LATE
#define A_LATE 0       /* A3 1: a late approval changes a decided record */
#endif
#ifndef A_PENDREV
#define A_PENDREV 1    /* A4 a reversal cancels what is pending, and is forwarded */
#endif
#ifndef A_ACKDUR
#define A_ACKDUR 1     /* A5 the terminal is answered only after the issuer's reversal is durably queued */
#endif
#ifndef A_RETRY
#define A_RETRY 1      /* A6 the issuer's reversal is repeated until it is acknowledged */
#endif

#define CAP 3          /* a bag holds no more of one kind */
/* states of a record in a host's log */
#define NONE 0
#define APPR 1
#define DECL 2
#define REVD 3
#define TOMB 4
#define PEND 5
#define UNDEC 6        /* only a naive host stores that it could not decide */
/* phases of the terminal */
#define IDLE 0
#define PRESEND 1
#define WAIT 2
#define GOTAPPR 3
#define JRND 4
#define GOODS1 5
#define REVWAIT 7
#define BOOT 8
#define SENT0 9
#define PEND2SAF 10
#define PEND2APP 11
#define VPRE 12
#define VWAIT 13
#define VREVW 14
#define CLOSED 15
#define OFFJRN 16
#define OFFQUE 17
#define ADVWAIT 18
#define SIGNON 19

/* the bags: request, approval, decline, reversal, its answer, its refusal */
byte req[N], rspa[N], rspd[N], rev[N], rack[N], rnak[N];
#if TWOHOP
byte ireq[N], irspa[N], irspd[N], irev[N], irack[N];
bool asaf[N];                    /* the acquirer's queue of reversals to the issuer, on disk */
bool vasaf[N];                   /* and in memory */
byte ilog[N];                    /* the issuer's log */
#endif
byte loss = LOSS, dup = DUP, spur = SPUR, tcr = TCRASH, hcr = HCRASH;
/* the terminal: d_ is durable; goods is the receipt, and what the merchant handed over */
byte ph = IDLE, cur = 0, nxt = 0, rvi = 0;
bool vpend = 0, rq2 = 0;
bool d_pend[N], d_appr[N], d_saf[N], goods[N];
byte stan[N], vstan = 0, dstan = 0;
/* the host */
byte hlog[N];                    /* its log on disk */
byte vlog[N];                    /* what it believes; the same while H6 is kept */
byte inproc[N];                  /* requests taken up and not decided */
byte seen[N];                    /* what the log said when the request was taken up */
byte last = 0; bool haslast = 0;
short debit[N];                  /* what the cardholder's account was debited, on disk and as the host believes */
short vdebit[N];

#if H_FULLKEY
#define K(i) (i)
#else
#define K(i) (stan[i])
#endif
#define SAME(a,b) (K(a)==K(b))

#define PUT(b,i) b[i] = (b[i] < CAP -> b[i]+1 : b[i])
#define GET(b,i) b[i]--

inline hset(i,s) { vlog[K(i)] = s; if :: H_DURACK -> hlog[K(i)] = s :: else -> skip fi }

/* An option's guard must decide everything: the one process that entered an option and then blocked would be a false
   deadlock. So there is one option for each transaction. */
#if N == 1
#define EACH(M) M(0)
#define ANY(P)  (P(0))
#elif N == 2
#define EACH(M) M(0) M(1)
#define ANY(P)  (P(0) || P(1))
#else
#define EACH(M) M(0) M(1) M(2)
#define ANY(P)  (P(0) || P(1) || P(2))
#endif
#define INSAF(x) d_saf[x]
#define ANYSAF   ANY(INSAF)
#define MAYSTART (!(ANYSAF) || !T_REVFIRST)
#define QUIET(p) (p == IDLE || p == REVWAIT || p == CLOSED || p == ADVWAIT || p == SIGNON)
#define OFF(x)   ((x) < ADVICE)

#include "advice.pml"
#include "keys.pml"

/* what is on its way: for the sale, for its reversal, between the hosts */
#if TWOHOP
#define FLY(i)   (req[i]+rspa[i]+rspd[i]+ireq[i]+irspa[i]+irspd[i]+KFLY(i) > 0 || (vlog[K(i)]==PEND && !OFF(i)))
#define IFLY(i)  (ireq[i]+irspa[i]+irspd[i] > 0)
#define IRFLY(i) (irev[i]+irack[i] > 0)
#else
#define FLY(i)   (req[i]+rspa[i]+rspd[i]+inproc[i]+KFLY(i) > 0)
#endif
#define RFLY(i)  (rev[i]+rack[i]+rnak[i]+KRFLY(i) > 0)

#include "void.pml"

#if TWOHOP
#define BUSY1(x) (FLY(x) || RFLY(x) || IRFLY(x) || asaf[x] || vasaf[x] || VB(x) || ADB(x))
#elif H_DURACK == 0
#define BUSY1(x) (FLY(x) || RFLY(x) || VB(x) || ADB(x) || vlog[K(x)] != hlog[K(x)] || vdebit[x] != debit[x])
#else
#define BUSY1(x) (FLY(x) || RFLY(x) || VB(x) || ADB(x))
#endif
#define NETBUSY (ANY(BUSY1) || KBUSY)

/* ---- invariants ---- */
inline safety() {
  byte s_;
  for (s_ : 0 .. N-1) {
    assert(debit[s_] <= 1);                     /* I1 nobody is debited twice */
    assert(debit[s_] >= 0);                     /* I1 nobody is credited what was never taken */
  }
  s_ = 0
}
inline quiescent_checks() {
  byte c_;
  for (c_ : 0 .. N-1) {
    assert(!d_pend[c_] && !d_saf[c_]);          /* I3 no record is left undecided */
    assert(PARKED(c_) || debit[c_] == (d_appr[c_] -> 1 : 0)); /* I4 the cardholder is debited iff the sale is in the terminal's batch */
    assert((vlog[K(c_)] == APPR) == (hlog[K(c_)] == APPR)); /* I7 what a host believes is what its disk says */
    assert(goods[c_] == (d_appr[c_] || PAPER(c_) || PARKED(c_))); /* I5 a receipt exists iff the sale is in the batch, or was refused or voided later */
#if H_FULLKEY
    assert(PARKED(c_) || (hlog[c_] == APPR && !HVOIDED(c_)) == d_appr[c_]); /* I4 the host's batch is the terminal's batch */
#endif
    void_checks(c_);
    advice_checks(c_)
  }
  c_ = 0
}
inline saf_remove(i) {
#ifndef NOI6
  assert(hlog[K(i)] == REVD || hlog[K(i)] == TOMB || hlog[K(i)] == DECL); /* I6 a reversal leaves the queue only when the host durably holds it */
#endif
  d_saf[i] = 0
}

/* ---------- the terminal ---------- */
#define O_RSPA(x) :: atomic { ph == WAIT && rspa[x] > 0 && TK && (SAME(x,cur) || !T_MATCHRSP) -> \
    printf("[%d] T <- 0210 approve (taken as the answer to the sale in progress)\n", x); GET(rspa,x); ph = GOTAPPR }
#define O_RSPD(x) :: atomic { ph == WAIT && rspd[x] > 0 && TK && (SAME(x,cur) || !T_MATCHRSP) -> \
    printf("[%d] T <- 0210 decline\n", x); GET(rspd,x); d_pend[cur] = 0; dstan = vstan; ph = IDLE }
#define O_STALEA(x) :: atomic { rspa[x] > 0 && TK && (QUIET(ph) || (ph == WAIT && !SAME(x,cur) && T_MATCHRSP)) && !(T_LATE && d_saf[x]) -> \
    printf("[%d] T drops stale 0210 approve\n", x); GET(rspa,x) }
#define O_STALED(x) :: atomic { rspd[x] > 0 && TK && (QUIET(ph) || (ph == WAIT && !SAME(x,cur) && T_MATCHRSP)) -> \
    printf("[%d] T drops stale 0210 decline\n", x); GET(rspd,x) }
#define O_LATE(x) :: atomic { T_LATE && (ph == IDLE || ph == REVWAIT) && rspa[x] > 0 && d_saf[x] -> \
    printf("[%d] T ACCEPTS LATE 0210 approve\n", x); GET(rspa,x); d_appr[x] = 1; goods[x] = 1; \
    if :: T_LATE == 1 -> d_saf[x] = 0; ph = IDLE :: T_LATE == 2 -> skip fi }
#define O_SAFGO(x) :: atomic { ph == IDLE && d_saf[x] -> \
    printf("[%d] T -> 0400 from the queue\n", x); rvi = x; SENDREV(x); ph = REVWAIT; \
    if :: !T_CLEARLATE || !T_RETRY -> d_saf[x] = 0 :: else -> skip fi; \
    if :: !T_RETRY -> ph = IDLE :: else -> skip fi }
#define O_RACK(x) :: atomic { ph == REVWAIT && rack[x] > 0 && TK && (SAME(x,rvi) || !T_MATCHACK) -> \
    printf("[%d] T <- 0410, the reversal leaves the queue\n", x); GET(rack,x); \
    if :: d_saf[rvi] -> saf_remove(rvi) :: else -> skip fi; ph = IDLE }
#define O_STALEK(x) :: atomic { rack[x] > 0 && TK && (ph == IDLE || ph == WAIT || ph == CLOSED || ph == ADVWAIT || ph == SIGNON || (ph == REVWAIT && T_MATCHACK && !SAME(x,rvi))) -> \
    printf("[%d] T drops stale 0410\n", x); GET(rack,x) }
#define O_NAK(x) :: atomic { rnak[x] > 0 && (ph == IDLE || ph == WAIT || ph == CLOSED || (ph == REVWAIT && rvi != x)) -> \
    printf("[%d] T drops stale 0410/25\n", x); GET(rnak,x) }
/* ---------- the host of one hop ---------- */
#define O_HREQ(x) :: atomic { req[x] > 0 -> \
    printf("[%d] H takes up the 0200\n", x); GET(req,x); seen[x] = vlog[K(x)]; inproc[x] = (inproc[x] < CAP -> inproc[x] + 1 : CAP) }
#define O_HDEC(x) :: atomic { inproc[x] > 0 -> \
    printf("[%d] H decides the 0200\n", x); inproc[x]--; \
    if :: H_RECHECK -> seen[x] = vlog[K(x)] :: else -> skip fi; \
    if :: seen[x] == NONE || !H_DEDUP -> \
          if :: printf("     ..approves\n"); hset(x,APPR); vdebit[x]++; last = x; haslast = 1; \
                if :: H_DURACK -> debit[x]++ :: else -> skip fi; PUT(rspa,x) \
             :: printf("     ..declines\n"); hset(x,DECL); PUT(rspd,x) fi \
       :: seen[x] == APPR && H_DEDUP -> PUT(rspa,x) \
       :: (seen[x] == DECL || seen[x] == REVD || seen[x] == TOMB) && H_DEDUP -> PUT(rspd,x) fi; \
    seen[x] = 0; safety() }
#define O_HREV(x) :: atomic { rev[x] > 0 -> \
    printf("[%d] H processes the 0400\n", x); GET(rev,x); \
    if :: H_LASTMATCH -> \
          if :: haslast && vlog[K(last)] == APPR -> hset(last,REVD); vdebit[last]--; debit[last]-- :: else -> skip fi; PUT(rack,x) \
       :: !H_LASTMATCH -> \
          if :: vlog[K(x)] == APPR -> hset(x,REVD); vdebit[x]--; if :: H_DURACK -> debit[x]-- :: else -> skip fi; PUT(rack,x) \
             :: vlog[K(x)] == REVD -> if :: !H_IDEMP -> vdebit[x]--; debit[x]-- :: else -> skip fi; PUT(rack,x) \
             :: vlog[K(x)] == NONE -> \
                if :: H_TOMB == 1 -> hset(x,TOMB); PUT(rack,x) :: H_TOMB == 0 -> PUT(rack,x) :: H_TOMB == 2 -> PUT(rnak,x) fi \
             :: else -> PUT(rack,x) fi fi; \
    safety() }
#define O_HFLUSH(x) :: atomic { vlog[K(x)] != hlog[K(x)] || vdebit[x] != debit[x] -> \
    printf("[%d] H flushes its log to disk\n", x); hlog[K(x)] = vlog[K(x)]; debit[x] = vdebit[x]; safety() }
#define O_TTL(x) :: atomic { H_TOMBTTL && vlog[K(x)] == TOMB -> \
    printf("[%d] H forgets the tombstone\n", x); vlog[K(x)] = NONE; hlog[K(x)] = NONE }
/* ---------- acquirer and issuer ---------- */
#define O_AREQ(x) :: atomic { req[x] > 0 -> \
    printf("[%d] A <- 0200, forwards it to the issuer if new\n", x); GET(req,x); \
    if :: vlog[K(x)] == NONE -> vlog[K(x)] = PEND; if :: A_WAL -> hlog[K(x)] = PEND :: else -> skip fi; PUT(ireq,x) \
       :: vlog[K(x)] == PEND -> skip \
       :: vlog[K(x)] == APPR -> PUT(rspa,x) \
       :: else -> PUT(rspd,x) fi }
#define AQREV(x) vlog[K(x)] = REVD; vasaf[x] = 1; if :: A_ACKDUR -> asaf[x] = 1; hlog[K(x)] = REVD :: else -> skip fi; PUT(rack,x)
#define O_AREV(x) :: atomic { rev[x] > 0 -> \
    printf("[%d] A <- 0400\n", x); GET(rev,x); \
    if :: vlog[K(x)] == APPR -> AQREV(x) \
       :: vlog[K(x)] == PEND && A_PENDREV -> AQREV(x) \
       :: vlog[K(x)] == PEND && !A_PENDREV -> PUT(rack,x) \
       :: vlog[K(x)] == NONE -> \
          if :: H_TOMB -> vlog[K(x)] = TOMB; hlog[K(x)] = TOMB; if :: H_FWDUNK -> vasaf[x] = 1; asaf[x] = 1 :: else -> skip fi \
             :: else -> skip fi; PUT(rack,x) \
       :: else -> PUT(rack,x) fi }
#define O_AISA(x) :: atomic { irspa[x] > 0 -> \
    printf("[%d] A <- issuer approves\n", x); GET(irspa,x); \
    if :: vlog[K(x)] == PEND || (A_LATE && vlog[K(x)] == DECL) -> vlog[K(x)] = APPR; hlog[K(x)] = APPR; PUT(rspa,x) :: else -> skip fi }
#define O_AISD(x) :: atomic { irspd[x] > 0 -> \
    printf("[%d] A <- issuer declines\n", x); GET(irspd,x); \
    if :: vlog[K(x)] == PEND -> vlog[K(x)] = DECL; hlog[K(x)] = DECL; PUT(rspd,x) :: else -> skip fi }
#define O_ATMO(x) :: atomic { vlog[K(x)] == PEND && HASTIMER(x) && (!(IFLY(x) || IADFLY(x)) || spur > 0) -> \
    printf("[%d] A waits no longer for the issuer, declines to the terminal\n", x); \
    if :: IFLY(x) || IADFLY(x) -> spur-- :: else -> skip fi; vlog[K(x)] = DECL; hlog[K(x)] = DECL; ADECLINE(x); \
    if :: A_TMOREV -> vasaf[x] = 1; asaf[x] = 1 :: else -> skip fi }
#define O_ASAF(x) :: atomic { vasaf[x] && (!IRFLY(x) || spur > 0) -> \
    printf("[%d] A -> issuer reversal\n", x); if :: IRFLY(x) -> spur-- :: else -> skip fi; PUT(irev,x); \
    if :: !A_RETRY -> vasaf[x] = 0; asaf[x] = 0 :: else -> skip fi }
#define O_AIRK(x) :: atomic { irack[x] > 0 -> \
    printf("[%d] A <- issuer acknowledges the reversal\n", x); GET(irack,x); vasaf[x] = 0; asaf[x] = 0; \
    if :: hlog[K(x)] != vlog[K(x)] -> hlog[K(x)] = vlog[K(x)] :: else -> skip fi }
#define O_IREQ(x) :: atomic { ireq[x] > 0 -> \
    printf("[%d] I processes the request\n", x); GET(ireq,x); \
    if :: ilog[K(x)] == NONE || !H_DEDUP -> \
          if :: printf("     ..debits\n"); ilog[K(x)] = APPR; debit[x]++; PUT(irspa,x) \
             :: printf("     ..declines\n"); ilog[K(x)] = DECL; PUT(irspd,x) fi \
       :: ilog[K(x)] == APPR && H_DEDUP -> PUT(irspa,x) \
       :: else -> PUT(irspd,x) fi; safety() }
#define O_IREV(x) :: atomic { irev[x] > 0 -> \
    printf("[%d] I processes the reversal\n", x); GET(irev,x); \
    if :: ilog[K(x)] == APPR -> ilog[K(x)] = REVD; debit[x]-- \
       :: ilog[K(x)] == REVD && !H_IDEMP -> debit[x]-- \
       :: ilog[K(x)] == NONE && I_TOMB -> ilog[K(x)] = TOMB \
       :: else -> skip fi; PUT(irack,x); safety() }
/* ---------- the network's faults ---------- */
#define L1(b,x) :: atomic { loss > 0 && b[x] > 0 -> printf("[%d] NETWORK LOSES ", x); printf(WORD_##b); printf("\n"); GET(b,x); loss-- }
#define D1(b,x) :: atomic { dup > 0 && b[x] > 0 && b[x] < CAP -> printf("[%d] NETWORK DOUBLES ", x); printf(WORD_##b); printf("\n"); b[x]++; dup-- }
#define O_NET(x)  L1(req,x) L1(rspa,x) L1(rspd,x) L1(rev,x) L1(rack,x) D1(req,x) D1(rspa,x) D1(rev,x) D1(rack,x)
#define O_NETI(x) L1(ireq,x) L1(irspa,x) L1(irspd,x) L1(irev,x) L1(irack,x) D1(ireq,x) D1(irspa,x) D1(irev,x) D1(irack,x)
#define WORD_req   "the 0200"
#define WORD_rspa  "the 0210 approve"
#define WORD_rspd  "the 0210 decline"
#define WORD_rev   "the 0400"
#define WORD_rack  "the 0410"
#define WORD_ireq  "the request to the issuer"
#define WORD_irspa "the issuer's approval"
#define WORD_irspd "the issuer's decline"
#define WORD_irev  "the reversal to the issuer"
#define WORD_irack "the issuer's answer to the reversal"

active proctype P() {
  byte i;
  do
  /* ===== the terminal ===== */
  :: atomic { ph == IDLE && nxt < N && !OFF(nxt) && MAYSTART ->
       cur = nxt; nxt++; rq2 = 0; printf("[%d] T starts a sale (STAN %d)\n", cur, vstan);
       stan[cur] = vstan; vstan = (vstan + 1) % STANMOD;
       if :: T_STANDUR -> dstan = vstan :: else -> skip fi;
       if :: T_WAL -> d_pend[cur] = 1; ph = PRESEND
          :: else  -> PUT(req,cur); ph = SENT0 fi }
  :: atomic { ph == PRESEND -> printf("[%d] T -> 0200 (the pending record is durable)\n", cur); SENDREQ(cur); ph = WAIT }
  :: atomic { ph == SENT0 -> printf("[%d] T journals the pending record (the 0200 has left)\n", cur); d_pend[cur] = 1; ph = WAIT }
  EACH(O_RSPA) EACH(O_RSPD)
  :: atomic { ph == GOTAPPR ->
       dstan = vstan;
       if
       :: T_JRN1ST && T_ATOMIC  -> printf("[%d] T journals the approval\n", cur); d_pend[cur] = 0; d_appr[cur] = 1; ph = JRND
       :: T_JRN1ST && !T_ATOMIC -> printf("[%d] T erases the pending record (the approval is not yet written)\n", cur); d_pend[cur] = 0; ph = PEND2APP
       :: !T_JRN1ST -> printf("[%d] T prints the receipt before it journals\n", cur); goods[cur] = 1; ph = GOODS1
       :: T_CARDDECL -> printf("[%d] the card refuses after the host approved\n", cur); d_pend[cur] = 0; if :: T_REVCARD -> d_saf[cur] = 1 :: else -> skip fi; ph = IDLE
       fi }
  :: atomic { ph == PEND2APP -> printf("[%d] T journals the approval (second write)\n", cur); d_appr[cur] = 1; ph = JRND }
  :: atomic { ph == GOODS1 -> printf("[%d] T journals the approval\n", cur); d_pend[cur] = 0; d_appr[cur] = 1; ph = IDLE }
  :: atomic { ph == JRND -> printf("[%d] T prints the receipt\n", cur); goods[cur] = 1; ph = IDLE }
  :: atomic { ph == WAIT && (!FLY(cur) || spur > 0) ->
       if :: FLY(cur) -> spur-- :: else -> skip fi;
       dstan = vstan; printf("[%d] T time-out\n", cur);
       if
       :: T_RETRYREQ && !rq2 -> rq2 = 1; PUT(req,cur)
       :: !(T_RETRYREQ && !rq2) && T_ATOMIC  -> d_saf[cur] = 1; d_pend[cur] = 0; ph = IDLE
       :: !(T_RETRYREQ && !rq2) && !T_ATOMIC -> d_pend[cur] = 0; ph = PEND2SAF
       fi }
  :: atomic { ph == PEND2SAF -> printf("[%d] T queues the reversal (second write)\n", cur); d_saf[cur] = 1; ph = IDLE }
  EACH(O_LATE) EACH(O_STALEA) EACH(O_STALED)
  EACH(O_SAFGO) EACH(O_RACK) EACH(O_STALEK) EACH(O_NAK)
  :: atomic { ph == REVWAIT && (!RFLY(rvi) || spur > 0) ->
       if :: RFLY(rvi) -> spur-- :: else -> skip fi;
       if :: d_saf[rvi] -> printf("[%d] T -> 0401 repeat\n", rvi); SENDREV(rvi) :: else -> ph = IDLE fi }
  :: atomic { ph == REVWAIT && rnak[rvi] > 0 -> printf("[%d] T <- 0410/25, T -> 0401 repeat\n", rvi); GET(rnak,rvi); SENDREV(rvi) }
  :: atomic { ph == IDLE && nxt == N && (!(ANYSAF) || !T_SETTLEGATE) && ADGATE ->
       printf("    T closes the batch\n"); i = 0; do :: i < N -> d_saf[i] = 0; ADCLOSE(i); i++ :: else -> i = 0; break od; ph = CLOSED }
#if ADVICE
  :: ADVICE_START
  EACH(O_OFFJRN) EACH(O_OFFQUE) EACH(O_ADGO) EACH(O_ADOK) EACH(O_ADNO) EACH(O_ADUN) EACH(O_ADTMO) EACH(O_ADDROP) EACH(O_NETA)
#if D_DUP94
  EACH(O_AD94)
#endif
#endif
#if KEYS
  EACH(O_RSPAO) EACH(O_RSPDO) EACH(O_RACKO) EACH(O_KDROP) EACH(O_QA0) EACH(O_RA0) EACH(O_A0DROP) EACH(O_HSTALE) EACH(O_NETK)
  KEY_OPTIONS
#endif
#if VOID
  EACH(O_VGO)
  VOID_OPTIONS
  EACH(O_VST1) EACH(O_VST2) EACH(O_VST3) EACH(O_NETV)
#if TWOHOP
  EACH(O_AVOID) EACH(O_AVREV) EACH(O_AVIOK) EACH(O_AVINO) EACH(O_AVTMO) EACH(O_AVQ) EACH(O_AVIRK) EACH(O_IVOID) EACH(O_IVREV) EACH(O_NETIV)
#if V_ACKDUR == 0 || V_QDUR == 0
  EACH(O_AVFLUSH)
#endif
#else
  EACH(O_HVOID) EACH(O_HVREV)
#endif
#endif
  :: atomic { tcr > 0 && ph != BOOT && ph != CLOSED -> printf("    ** POWER CUT AT THE TERMINAL **\n"); tcr--; ph = BOOT }
  :: atomic { ph == BOOT -> printf("    T boots: what is pending becomes a reversal\n");
       vstan = dstan; i = 0; rq2 = 0; ph = IDLE;
       do
       :: i < N ->
            if :: d_pend[i] -> d_pend[i] = 0; if :: T_BOOTREV -> d_saf[i] = 1 :: else -> skip fi :: else -> skip fi;
            if :: d_appr[i] && !goods[i] && T_BOOTPRN -> goods[i] = 1 :: else -> skip fi;
            advice_boot(i);
            void_boot(i);
            i++
       :: else -> i = 0; break
       od }
  /* ===== the host ===== */
#if TWOHOP
  EACH(O_AREQ) EACH(O_AREV) EACH(O_AISA) EACH(O_AISD) EACH(O_ATMO) EACH(O_ASAF) EACH(O_AIRK) EACH(O_IREQ) EACH(O_IREV)
#if ADVICE
  EACH(O_AADV) EACH(O_AIADA) EACH(O_AIADD) EACH(O_AIADU) EACH(O_IADV) EACH(O_NETIA)
#if D_ADUR == 0
  EACH(O_AADFLUSH)
#endif
#endif
  :: atomic { hcr > 0 -> printf("    ** CRASH AND RESTART OF THE ACQUIRER **\n"); hcr--; i = 0;
       do
       :: i < N ->
            vlog[i] = hlog[i]; vasaf[i] = asaf[i];
            if :: vlog[i] == PEND && HASBOOT(i) -> vlog[i] = DECL; hlog[i] = DECL;
                 if :: A_TMOREV -> vasaf[i] = 1; asaf[i] = 1 :: else -> skip fi
               :: else -> skip fi;
            void_host_boot(i);
            i++
       :: else -> i = 0; break
       od }
  EACH(O_NETI)
#else
  EACH(O_HREQ) EACH(O_HDEC) EACH(O_HREV)
#if ADVICE
  EACH(O_HADV)
#endif
#if H_DURACK == 0
  EACH(O_HFLUSH)
#endif
#if H_TOMBTTL
  EACH(O_TTL)
#endif
  :: atomic { hcr > 0 -> printf("    ** CRASH AND RESTART OF THE HOST **\n"); hcr--; i = 0;
       do :: i < N -> vlog[i] = hlog[i]; vdebit[i] = debit[i]; inproc[i] = 0; seen[i] = 0; i++ :: else -> i = 0; break od }
#endif
  EACH(O_NET)
  /* ===== rest: the batch is closed and nothing is on its way ===== */
  :: atomic { ph == CLOSED && !NETBUSY -> REPORT; quiescent_checks(); break }
  od
}
