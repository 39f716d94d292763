/* Voids: a sale in the open batch is taken back under a STAN of the void's own.
 *
 * Over two hops the acquirer either passes the void on and lets the issuer decide (VHOP=1), or decides itself and owes
 * the issuer the void from a durable queue (VHOP=2). A reversal of a void goes the same way and restores the sale.
 */
#ifndef VMODE
#define VMODE 1        /* the terminal: 1 repeats the void until it is answered (V1); 2 reverses it by the void's own key (V2);
                          naive: 3 reverses it by the sale's key, 4 takes silence as a failure */
#endif
#ifndef V_TOMB
#define V_TOMB 1       /* V2 an unmatched reversal of a void is remembered, at the host or acquirer */
#endif
#ifndef VHOP
#define VHOP 1
#endif
#ifndef V_ACKDUR
#define V_ACKDUR 1     /* V5 the acquirer's log of the void is durable before it answers */
#endif
#ifndef V_QDUR
#define V_QDUR 1       /* V6 what it owes the issuer is queued in the same durable write */
#endif
#ifndef V_RETRY
#define V_RETRY 1      /* V7 and repeated until the issuer answers; 0: one shot */
#endif
#ifndef V_IDEMP
#define V_IDEMP 1      /* V8 the issuer gives a repeated void its stored answer, and credits once */
#endif
#ifndef V_RIDEMP
#define V_RIDEMP 1     /* V8 a repeated reversal of a void debits once */
#endif
#ifndef A_VTMO
#define A_VTMO 0       /* V9 a void that waits for the issuer: 0 has no timer; 1 has one, is refused, and reversed at the issuer;
                          2 is refused and forgotten */
#endif
#ifndef V_LATE
#define V_LATE 0       /* V9 1: the issuer's late approval changes a refused void */
#endif
#ifndef V_WAL
#define V_WAL 1        /* V10 the pending void is durable before it is passed on */
#endif
#ifndef V_CANCEL
#define V_CANCEL 1     /* V11 a reversal that meets a pending void cancels it, and is forwarded */
#endif
#ifndef V_FWD
#define V_FWD 1        /* V11 a reversal of a void is forwarded; 0: ends at the acquirer; 2: only takes the void out of the queue if it waits there */
#endif
#ifndef V_FWDUNK
#define V_FWDUNK 0     /* V10 1: a reversal of an unknown void is forwarded too */
#endif
#ifndef V_ITOMB
#define V_ITOMB 1      /* V12 an unmatched reversal of a void is remembered at the issuer too */
#endif

#if VOID
byte vreq[N], vrsp[N], vrsn[N], vrev[N], vrack[N]; /* void, approved, refused; reversal of the void, its answer */
bool d_vpend[N], d_voided[N], tried[N];
/* a host's record of a void */
#define VNONE 0
#define VDONE 1
#define VREVD 2
#define VTOMB 3
#define VPEND 4
#define VREFD 5
byte hv[N];                      /* host or acquirer: on disk */
#if TWOHOP
byte av[N];                      /* in the acquirer's memory */
byte vqd[N], vq[N];              /* owed to the issuer, on disk and in memory: 1 the void, 2 its reversal */
byte iv[N];                      /* the issuer */
byte ivreq[N], ivok[N], ivno[N], ivrev[N], ivrack[N];
#define VUP(i)  (ivreq[i]+ivok[i]+ivno[i])
#define VRUP(i) (ivrev[i]+ivrack[i])
#define VBI(i)  (VUP(i)+VRUP(i) > 0 || vq[i] || vqd[i] || av[i] != hv[i])
#else
#define VUP(i) 0
#define VBI(i) 0
#endif
#define VFLY(i) (vreq[i]+vrsp[i]+vrsn[i]+VUP(i) > 0)
#define VB(x)   (vreq[x]+vrsp[x]+vrsn[x]+vrev[x]+vrack[x] > 0 || VBI(x))
#define HVOIDED(i) (hv[i] == VDONE)
#define PAPER(i) (REFUSED(i) || d_voided[i])

inline void_checks(c) {
  assert(!d_vpend[c] && hv[c] != VPEND)         /* I3 no void is left undecided */
}
inline void_boot(i) {
  if :: d_vpend[i] && VMODE == 1 -> cur = i; ph = VPRE
     :: d_vpend[i] && (VMODE == 2 || VMODE == 3) -> cur = i; PUT(vrev,i); ph = VREVW
     :: d_vpend[i] && VMODE == 4 -> d_vpend[i] = 0
     :: else -> skip fi
}
/* ---------- the terminal ---------- */
#define O_VGO(x) :: atomic { ph == IDLE && d_appr[x] && goods[x] && !tried[x] && MAYSTART -> \
    printf("[%d] T starts a void (journalled)\n", x); cur = x; tried[x] = 1; d_vpend[x] = 1; ph = VPRE }
#define VOID_OPTIONS \
  :: atomic { ph == VPRE -> printf("[%d] T -> void\n", cur); PUT(vreq,cur); ph = VWAIT } \
  :: atomic { ph == VWAIT && vrsp[cur] > 0 -> printf("[%d] T <- void approved\n", cur); GET(vrsp,cur); d_vpend[cur] = 0; d_appr[cur] = 0; d_voided[cur] = 1; ph = IDLE } \
  :: atomic { ph == VWAIT && vrsn[cur] > 0 -> printf("[%d] T <- void refused: the sale stands\n", cur); GET(vrsn,cur); d_vpend[cur] = 0; ph = IDLE } \
  :: atomic { ph == VWAIT && (!VFLY(cur) || spur > 0) -> \
       printf("[%d] T void time-out\n", cur); if :: VFLY(cur) -> spur-- :: else -> skip fi; \
       if \
       :: VMODE == 1 -> printf("[%d] T -> void again\n", cur); PUT(vreq,cur) \
       :: VMODE == 2 || VMODE == 3 -> printf("[%d] T -> reversal of the void\n", cur); PUT(vrev,cur); ph = VREVW \
       :: VMODE == 4 -> printf("[%d] T takes the void as failed\n", cur); d_vpend[cur] = 0; ph = IDLE \
       fi } \
  :: atomic { ph == VREVW && vrack[cur] > 0 -> printf("[%d] T <- reversal of the void acknowledged: the sale stands\n", cur); GET(vrack,cur); d_vpend[cur] = 0; ph = IDLE } \
  :: atomic { ph == VREVW && (vrev[cur]+vrack[cur] == 0 || spur > 0) -> \
       printf("[%d] T -> reversal of the void again\n", cur); if :: vrev[cur]+vrack[cur] > 0 -> spur-- :: else -> skip fi; PUT(vrev,cur) }
#define VQUIET(p) (p == IDLE || p == REVWAIT || p == WAIT || p == CLOSED)
#define O_VST1(x) :: atomic { vrsp[x] > 0 && (VQUIET(ph) || ph == VREVW || (ph == VWAIT && cur != x)) -> printf("[%d] T drops stale void approval\n", x); GET(vrsp,x) }
#define O_VST3(x) :: atomic { vrsn[x] > 0 && (VQUIET(ph) || ph == VREVW || (ph == VWAIT && cur != x)) -> printf("[%d] T drops stale void refusal\n", x); GET(vrsn,x) }
#define O_VST2(x) :: atomic { vrack[x] > 0 && (VQUIET(ph) || ph == VWAIT || (ph == VREVW && cur != x)) -> printf("[%d] T drops stale answer to a void's reversal\n", x); GET(vrack,x) }
/* ---------- the host of one hop ---------- */
#define O_HVOID(x) :: atomic { vreq[x] > 0 -> \
    printf("[%d] H processes the void\n", x); GET(vreq,x); \
    if :: hv[x] == VNONE && hlog[x] == APPR -> hv[x] = VDONE; debit[x]--; vdebit[x]-- :: else -> skip fi; \
    if :: hv[x] == VDONE -> PUT(vrsp,x) :: else -> PUT(vrsn,x) fi; safety() }
#define O_HVREV(x) :: atomic { vrev[x] > 0 -> \
    printf("[%d] H processes the reversal of the void\n", x); GET(vrev,x); \
    if :: VMODE == 3 -> if :: hlog[x] == APPR && hv[x] != VDONE -> hlog[x] = REVD; vlog[x] = REVD; debit[x]--; vdebit[x]-- :: else -> skip fi \
       :: else -> if :: hv[x] == VDONE -> hv[x] = VREVD; debit[x]++; vdebit[x]++ :: hv[x] == VNONE && V_TOMB -> hv[x] = VTOMB :: else -> skip fi fi; \
    PUT(vrack,x); safety() }
#if TWOHOP
/* ---------- the acquirer ---------- */
#define AVLOG(x,s)   av[x] = s; if :: V_ACKDUR -> hv[x] = s :: else -> skip fi
#define AVQUEUE(x,w) vq[x] = w; if :: V_ACKDUR && V_QDUR -> vqd[x] = w :: else -> skip fi
#define O_AVFLUSH(x) :: atomic { av[x] != hv[x] || vq[x] != vqd[x] -> \
    printf("[%d] A flushes log and queue to disk\n", x); hv[x] = av[x]; vqd[x] = vq[x] }
#define O_AVOID(x) :: atomic { vreq[x] > 0 -> \
    printf("[%d] A <- void\n", x); GET(vreq,x); \
    if :: av[x] == VNONE && vlog[x] == APPR && VHOP == 1 -> printf("     ..passes it on\n"); \
          av[x] = VPEND; if :: V_WAL -> hv[x] = VPEND :: else -> skip fi; PUT(ivreq,x) \
       :: av[x] == VNONE && vlog[x] == APPR && VHOP == 2 -> printf("     ..approves it, and owes it to the issuer\n"); \
          AVLOG(x,VDONE); AVQUEUE(x,1); PUT(vrsp,x) \
       :: av[x] == VNONE && vlog[x] != APPR -> PUT(vrsn,x) \
       :: av[x] == VPEND -> printf("     ..passes it on again\n"); PUT(ivreq,x) \
       :: av[x] == VDONE -> PUT(vrsp,x) \
       :: av[x] != VNONE && av[x] != VPEND && av[x] != VDONE -> PUT(vrsn,x) fi }
#define O_AVIOK(x) :: atomic { ivok[x] > 0 -> \
    printf("[%d] A <- issuer did the void\n", x); GET(ivok,x); \
    if :: VHOP == 1 && (av[x] == VPEND || (V_LATE && av[x] == VREFD)) -> AVLOG(x,VDONE); PUT(vrsp,x) \
       :: VHOP == 2 && vq[x] == 1 -> vq[x] = 0; vqd[x] = 0 \
       :: else -> skip fi }
#define O_AVINO(x) :: atomic { ivno[x] > 0 -> \
    printf("[%d] A <- issuer refuses the void\n", x); GET(ivno,x); \
    if :: VHOP == 1 && av[x] == VPEND -> AVLOG(x,VREFD); PUT(vrsn,x) :: else -> skip fi }
#define AVREFUSE(x)  AVLOG(x,VREFD); if :: A_VTMO == 1 -> AVQUEUE(x,2) :: else -> skip fi
#define O_AVTMO(x) :: atomic { A_VTMO && av[x] == VPEND && (VUP(x) == 0 || spur > 0) -> \
    printf("[%d] A waits no longer for the issuer, refuses the void\n", x); if :: VUP(x) > 0 -> spur-- :: else -> skip fi; \
    AVREFUSE(x); PUT(vrsn,x) }
#define AVUNDO(x) AVLOG(x,VREVD); \
    if :: V_FWD == 1 || (V_FWD == 2 && vq[x] != 1) -> AVQUEUE(x,2) \
       :: V_FWD == 2 && vq[x] == 1 -> printf("     ..takes the void out of the queue\n"); AVQUEUE(x,0) \
       :: V_FWD == 0 -> skip fi
#define O_AVREV(x) :: atomic { vrev[x] > 0 -> \
    printf("[%d] A <- reversal of the void\n", x); GET(vrev,x); \
    if :: av[x] == VDONE || (av[x] == VPEND && V_CANCEL) -> AVUNDO(x) \
       :: av[x] == VNONE && V_TOMB -> AVLOG(x,VTOMB); if :: V_FWDUNK -> AVQUEUE(x,2) :: else -> skip fi \
       :: else -> skip fi; PUT(vrack,x) }
#define O_AVQ(x) :: atomic { vq[x] && ((vq[x] == 1 && !VUP(x)) || (vq[x] == 2 && !VRUP(x)) || spur > 0) -> \
    if :: (vq[x] == 1 && VUP(x)) || (vq[x] == 2 && VRUP(x)) -> spur-- :: else -> skip fi; \
    if :: vq[x] == 1 -> printf("[%d] A -> void to the issuer, from the queue\n", x); PUT(ivreq,x) \
       :: vq[x] == 2 -> printf("[%d] A -> reversal of the void to the issuer, from the queue\n", x); PUT(ivrev,x) fi; \
    if :: !V_RETRY -> vq[x] = 0; vqd[x] = 0 :: else -> skip fi }
#define O_AVIRK(x) :: atomic { ivrack[x] > 0 -> \
    printf("[%d] A <- issuer acknowledges the reversal of the void\n", x); GET(ivrack,x); \
    if :: vq[x] == 2 -> vq[x] = 0; vqd[x] = 0 :: else -> skip fi }
inline void_host_boot(i) {
  av[i] = hv[i]; vq[i] = vqd[i];
  if :: av[i] == VPEND && A_VTMO -> AVREFUSE(i) :: else -> skip fi
}
/* ---------- the issuer ---------- */
#define O_IVOID(x) :: atomic { ivreq[x] > 0 -> \
    printf("[%d] I processes the void\n", x); GET(ivreq,x); \
    if :: iv[x] == VNONE && ilog[x] == APPR -> \
          if :: printf("     ..credits\n"); iv[x] = VDONE; debit[x]--; PUT(ivok,x) \
             :: VHOP == 1 -> printf("     ..refuses\n"); iv[x] = VREFD; PUT(ivno,x) fi \
       :: iv[x] == VDONE -> if :: !V_IDEMP -> debit[x]-- :: else -> skip fi; PUT(ivok,x) \
       :: else -> PUT(ivno,x) fi; safety() }
#define O_IVREV(x) :: atomic { ivrev[x] > 0 -> \
    printf("[%d] I processes the reversal of the void\n", x); GET(ivrev,x); \
    if :: iv[x] == VDONE -> iv[x] = VREVD; debit[x]++ \
       :: iv[x] == VREVD && !V_RIDEMP -> debit[x]++ \
       :: iv[x] == VNONE && V_ITOMB -> iv[x] = VTOMB \
       :: else -> skip fi; PUT(ivrack,x); safety() }
#else
inline void_host_boot(i) { skip }
#endif
/* ---------- the network's faults ---------- */
#define O_NETV(x)  L1(vreq,x) L1(vrsp,x) L1(vrev,x) L1(vrack,x) D1(vreq,x) D1(vrsp,x) D1(vrev,x) D1(vrack,x)
#define O_NETIV(x) L1(ivreq,x) L1(ivok,x) L1(ivno,x) L1(ivrev,x) L1(ivrack,x) D1(ivreq,x) D1(ivok,x) D1(ivrev,x) D1(ivrack,x)
#define WORD_vreq   "the void"
#define WORD_vrsp   "the void's approval"
#define WORD_vrev   "the reversal of the void"
#define WORD_vrack  "the answer to the void's reversal"
#define WORD_ivreq  "the void to the issuer"
#define WORD_ivok   "the issuer's approval of the void"
#define WORD_ivno   "the issuer's refusal of the void"
#define WORD_ivrev  "the void's reversal to the issuer"
#define WORD_ivrack "the issuer's answer to the void's reversal"
#else
#define VB(x) 0
#define HVOIDED(i) 0
#define PAPER(i) REFUSED(i)
inline void_checks(c) { skip }
inline void_boot(i) { skip }
inline void_host_boot(i) { skip }
#endif
