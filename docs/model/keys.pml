/* Stale keys: the terminal's messages are under session keys that a sign-on gives it. The host may replace or lose its
 * half (KCH times), a sign-on's answer may be lost: then host and terminal have different keys, with a reversal due.
 *
 * What matters of a key is only who still has it, so there is no counter: tk says whether the terminal's key is the
 * host's. A message of the terminal under another key than the host's is in reqS or revS; it is answered A0, without a
 * MAC, and changes nothing. An answer under a key that only the terminal still has is in rspaO, rspdO, rackO. What
 * nobody can verify any more is gone: a bad MAC is a loss.
 */
#ifndef K_A0
#define K_A0 1         /* K1 A0 to a reversal: 1 sign on and repeat; 0 taken as the acknowledgement, 2 as a final refusal, 3 repeated as it is */
#endif
#ifndef K_SAMEKEY
#define K_SAMEKEY 1    /* K2 after the sign-on the reversal has its original's STAN; 0: a new one */
#endif
#ifndef K_BATCH
#define K_BATCH 1      /* K3 a sign-on's batch number is not adopted while the batch is open; 0: it is, for what is due too */
#endif
#ifndef K_REQ
#define K_REQ 1        /* K4 A0 to a request is no decision: it is reversed; 0: declined, nothing to reverse */
#endif
#ifndef K_HOST
#define K_HOST 1       /* K5 a message under a stale key changes nothing; 0: a request is decided all the same, and answered A0; 2: so is a reversal */
#endif
#ifndef K_MATCH
#define K_MATCH 1      /* K6 only the 0810 with this 0800's STAN answers it; 0: a late one is adopted */
#endif
#ifndef K_FRESH
#define K_FRESH 1      /* K7 an A0 to what was sent before the sign-on is not taken after it; 0: it makes the terminal sign on again */
#endif
#ifndef KCH
#define KCH 1          /* the host replaces or loses its keys */
#endif

#if KEYS
bool tk = 1;                           /* the terminal's key is the host's */
byte reqS[N], revS[N], rspaO[N], rspdO[N], rackO[N];
byte qa0[N], ra0[N];                   /* A0 to a request, to a reversal */
byte lreq[2];                          /* 0800: the one that is waited for, and earlier ones */
byte lrsp[1], lrspO[1];                /* 0810 with the host's keys, with keys it has replaced since */
byte kch = KCH;
#if K_SAMEKEY == 0 || K_BATCH == 0
bool d_alt[N]; byte revX[N];           /* the record has another key than its request had; its reversal */
#define ALT(i) d_alt[i]
#define RVX(i) revX[i]
#define SENDALT(x) PUT(revX,x)
#else
#define ALT(i) 0
#define RVX(i) 0
#define SENDALT(x) skip
#endif
#define TK tk
#define KFLY(i)  (reqS[i]+rspaO[i]+rspdO[i]+qa0[i])
#define KRFLY(i) (revS[i]+rackO[i]+ra0[i]+RVX(i))
#define SFLY     (lreq[0]+lrsp[0]+lrspO[0] > 0)
#define KBUSY    (SFLY || lreq[1] > 0)
#define SENDREQ(x) if :: tk -> PUT(req,x) :: else -> PUT(reqS,x) fi
#define SENDREV(x) if :: ALT(x) -> SENDALT(x) :: !ALT(x) && tk -> PUT(rev,x) :: !ALT(x) && !tk -> PUT(revS,x) fi

/* the host has new keys: what is under the old ones is stale */
#define MOVE(a,b,i) b[i] = (b[i] + a[i] < CAP -> b[i] + a[i] : CAP); a[i] = 0
inline new_keys() {
  byte k_;
  for (k_ : 0 .. N-1) {
    MOVE(req,reqS,k_); MOVE(rev,revS,k_);
    if :: tk -> rspaO[k_] = rspa[k_]; rspdO[k_] = rspd[k_]; rackO[k_] = rack[k_] :: else -> skip fi;
    rspa[k_] = 0; rspd[k_] = 0; rack[k_] = 0
  }
  k_ = 0; MOVE(lrsp,lrspO,0); tk = 0
}
/* the terminal has new keys: what was under its old ones cannot be verified any more */
inline adopt(current) {
  byte a_;
  for (a_ : 0 .. N-1) {
    rspaO[a_] = 0; rspdO[a_] = 0; rackO[a_] = 0;
    if :: K_FRESH -> qa0[a_] = 0; ra0[a_] = 0; if :: K_HOST == 1 -> reqS[a_] = 0; revS[a_] = 0 :: else -> skip fi :: else -> skip fi;
#if K_BATCH == 0
    if :: a_ < nxt -> d_alt[a_] = 1 :: else -> skip fi
#endif
  }
  a_ = 0; tk = current
}
#define GOSIGNON printf("    T -> 0800 sign-on\n"); \
    if :: K_MATCH -> lreq[1] = (lreq[0]+lreq[1] < CAP -> lreq[0]+lreq[1] : CAP); lreq[0] = 0; lrsp[0] = 0; lrspO[0] = 0 :: else -> skip fi; \
    PUT(lreq,0); ph = SIGNON

/* ---------- the terminal ---------- */
#define O_RSPAO(x) :: atomic { rspaO[x] > 0 && (QUIET(ph) || ph == WAIT) -> GET(rspaO,x); \
    if :: ph == WAIT && x == cur -> printf("[%d] T <- 0210 approve, under its own old key\n", x); ph = GOTAPPR \
       :: else -> printf("[%d] T drops stale 0210 approve\n", x) fi }
#define O_RSPDO(x) :: atomic { rspdO[x] > 0 && (QUIET(ph) || ph == WAIT) -> GET(rspdO,x); \
    if :: ph == WAIT && x == cur -> printf("[%d] T <- 0210 decline, under its own old key\n", x); d_pend[cur] = 0; dstan = vstan; ph = IDLE \
       :: else -> printf("[%d] T drops stale 0210 decline\n", x) fi }
#define O_RACKO(x) :: atomic { rackO[x] > 0 && (QUIET(ph) || ph == WAIT) -> GET(rackO,x); \
    if :: ph == REVWAIT && x == rvi -> printf("[%d] T <- 0410 under its own old key, the reversal leaves the queue\n", x); saf_remove(x); ph = IDLE \
       :: else -> printf("[%d] T drops stale 0410\n", x) fi }
#define O_KDROP(x) \
  :: atomic { !tk && rspa[x] > 0 && (QUIET(ph) || ph == WAIT) -> printf("[%d] T cannot verify the 0210 approve, drops it\n", x); GET(rspa,x) } \
  :: atomic { !tk && rspd[x] > 0 && (QUIET(ph) || ph == WAIT) -> printf("[%d] T cannot verify the 0210 decline, drops it\n", x); GET(rspd,x) } \
  :: atomic { !tk && rack[x] > 0 && (QUIET(ph) || ph == WAIT) -> printf("[%d] T cannot verify the 0410, drops it\n", x); GET(rack,x) }
#define O_QA0(x) :: atomic { ph == WAIT && qa0[x] > 0 && x == cur -> GET(qa0,x); d_pend[x] = 0; dstan = vstan; \
    if :: K_REQ -> printf("[%d] T <- 0210/A0: it may have been approved before, a reversal is due\n", x); d_saf[x] = 1 \
       :: else -> printf("[%d] T <- 0210/A0 TAKEN AS A DECLINE\n", x) fi; GOSIGNON }
#define O_RA0(x) :: atomic { ph == REVWAIT && ra0[x] > 0 && x == rvi -> GET(ra0,x); \
    if :: K_A0 == 1 -> printf("[%d] T <- 0410/A0: signs on, the reversal stays\n", x); GOSIGNON; if :: !K_SAMEKEY -> SETALT(x) :: else -> skip fi \
       :: K_A0 == 0 -> printf("[%d] T <- 0410/A0 TAKEN AS THE ACKNOWLEDGEMENT\n", x); saf_remove(x); ph = IDLE \
       :: K_A0 == 2 -> printf("[%d] T <- 0410/A0 TAKEN AS A FINAL REFUSAL, the reversal is dropped\n", x); d_saf[x] = 0; ph = IDLE \
       :: K_A0 == 3 -> printf("[%d] T <- 0410/A0: tries again as it is\n", x); ph = IDLE fi }
#if K_SAMEKEY == 0
#define SETALT(x) d_alt[x] = 1
#else
#define SETALT(x) skip
#endif
#define A0STALE(x,w,c) (ph == IDLE || ph == CLOSED || ph == SIGNON || (ph != w && (ph == WAIT || ph == REVWAIT)) || (ph == w && x != c))
#define O_A0DROP(x) \
  :: atomic { qa0[x] > 0 && A0STALE(x,WAIT,cur) -> printf("[%d] T drops stale 0210/A0\n", x); GET(qa0,x) } \
  :: atomic { ra0[x] > 0 && A0STALE(x,REVWAIT,rvi) -> printf("[%d] T drops stale 0410/A0\n", x); GET(ra0,x) }
#define KEY_OPTIONS \
  :: atomic { ph == SIGNON && lrsp[0] > 0 -> printf("    T <- 0810: has the host's keys\n"); GET(lrsp,0); adopt(1); ph = IDLE } \
  :: atomic { ph == SIGNON && lrspO[0] > 0 -> printf("    T <- 0810 with keys the host has replaced since\n"); GET(lrspO,0); adopt(0); ph = IDLE } \
  :: atomic { ph == SIGNON && (!SFLY || spur > 0) -> printf("    T 0800 time-out\n"); if :: SFLY -> spur-- :: else -> skip fi; GOSIGNON } \
  :: atomic { lrsp[0] > 0 && ph != SIGNON && (QUIET(ph) || ph == WAIT) -> printf("    T drops a late 0810\n"); GET(lrsp,0) } \
  :: atomic { lrspO[0] > 0 && (QUIET(ph) || ph == WAIT) -> printf("    T drops a late 0810\n"); GET(lrspO,0) } \
  :: atomic { kch > 0 -> printf("    ** THE HOST REPLACES OR LOSES ITS KEYS **\n"); kch--; new_keys() } \
  :: atomic { lreq[0] > 0 -> printf("    H <- 0800, new keys, H -> 0810\n"); GET(lreq,0); new_keys(); PUT(lrsp,0) } \
  :: atomic { lreq[1] > 0 -> printf("    H <- an earlier 0800, new keys; its 0810 will not be taken\n"); GET(lreq,1); new_keys() } \
  L1(lreq,0) L1(lreq,1) L1(lrsp,0) D1(lreq,0) D1(lrsp,0)
/* ---------- the host ---------- */
#define O_HSTALE(x) \
  :: atomic { reqS[x] > 0 -> GET(reqS,x); PUT(qa0,x); \
       if :: K_HOST == 1 || vlog[x] != NONE -> printf("[%d] H answers the 0200 under a stale key: A0\n", x) \
          :: K_HOST != 1 && vlog[x] == NONE -> printf("[%d] H APPROVES the 0200 under a stale key, answers A0\n", x); hset(x,APPR); vdebit[x]++; debit[x]++ fi; safety() } \
  :: atomic { revS[x] > 0 -> GET(revS,x); PUT(ra0,x); \
       if :: K_HOST != 2 || vlog[x] != APPR -> printf("[%d] H answers the 0400 under a stale key: A0\n", x) \
          :: K_HOST == 2 && vlog[x] == APPR -> printf("[%d] H REVERSES under a stale key, answers A0\n", x); hset(x,REVD); vdebit[x]--; debit[x]-- fi; safety() } \
  HOSTALT(x)
#if K_SAMEKEY == 0 || K_BATCH == 0
#define HOSTALT(x) :: atomic { revX[x] > 0 -> printf("[%d] H does not know the 0400's key: a tombstone for it, 0410/25\n", x); GET(revX,x); PUT(rack,x) }
#else
#define HOSTALT(x)
#endif
/* ---------- the network's faults ---------- */
#define O_NETK(x) L1(reqS,x) L1(revS,x) L1(rspaO,x) L1(rackO,x) L1(qa0,x) L1(ra0,x) D1(reqS,x) D1(revS,x) D1(qa0,x) D1(ra0,x)
#define WORD_reqS  "the 0200 under a stale key"
#define WORD_revS  "the 0400 under a stale key"
#define WORD_rspaO "the 0210 approve"
#define WORD_rackO "the 0410"
#define WORD_qa0   "the 0210/A0"
#define WORD_ra0   "the 0410/A0"
#define WORD_lreq  "the 0800"
#define WORD_lrsp  "the 0810"
#else
#define TK 1
#define KFLY(i) 0
#define KRFLY(i) 0
#define KBUSY 0
#define SENDREQ(x) PUT(req,x)
#define SENDREV(x) PUT(rev,x)
#endif
