// Average over windows of an image: the exact sum of the real cells divided by
// their number, rounded half up (AP_RND), brought into the range of the output.
//
// Ports: in: ROWS x COLS vectors of C elements of W bits, P a beat; out:
// OUT_ROWS x OUT_COLS vectors of C of WOUT bits, same P.
// Parameters: window as pta_pool_max (ROWS >= DH, COLS >= DW); IN_SIGNED,
// OUT_SIGNED; SHIFT: fraction bits of in less those of out; OVERFLOW of pta_requant.
// Division: round(sum 2^-SHIFT / count) is floor(n / count) with an integer n of
// A bits and sign. For n >= 0 that is n M >> K, M = ceil(2^K / count), K = A + KB:
// M count - 2^K < count < 2^KB, so the product is less than 2^K n / count + 2^K / count
// and the floor is exact. For n < 0 it is ~floor(~n / count).
// Timing: as pta_cells, the last beat of a position 6 cycles later. Global:
// latency ROWS COLS CB + 5, interval ROWS COLS CB.
// Resources: pta_cells; P adders, CB x P sums of LUT RAM (FF if CB = 1); P
// multipliers of A x K bits (1 DSP each at 8 bits; a power of 2 needs none).
`default_nettype none
module pta_pool_avg #(
    parameter ROWS = 4,
    parameter COLS = 4,
    parameter C = 1,
    parameter P = 1,
    parameter W = 8,
    parameter IN_SIGNED = 1,
    parameter WOUT = 8,
    parameter OUT_SIGNED = 1,
    parameter SHIFT = 0,
    parameter OVERFLOW = 1,
    parameter KH = 2,
    parameter KW = 2,
    parameter SH = 2,
    parameter SW = 2,
    parameter DH = 1,
    parameter DW = 1,
    parameter PT = 0,
    parameter PB = 0,
    parameter PL = 0,
    parameter PR = 0,
    parameter DEPTH = 0,
    parameter BLOCK = 0
) (
    input  wire              clk, rst,
    input  wire [P*W-1:0]    in_data,
    input  wire              in_valid,
    output wire              in_ready,
    output wire [P*WOUT-1:0] out_data,
    output wire              out_valid,
    input  wire              out_ready
);
    localparam CB = (C + P - 1) / P;
    localparam PADDED = PT != 0 || PB != 0 || PL != 0 || PR != 0;
    localparam GLOBAL = KH == ROWS && KW == COLS && DH == 1 && DW == 1
                     && !PADDED;
    localparam BW = CB > 1 ? $clog2(CB) : 1;
    localparam CELLS = KH * KW;
    localparam KB = $clog2(CELLS + 1);
    localparam WS = W + 1 + KB; // the sum

    // t = 2 sum 2^LEFT + count 2^RIGHT, n = t >> RIGHT + 1. A sum shifted right
    // further than it is wide rounds to 0; one shifted left out of range stays there.
    localparam RIGHT = SHIFT <= 0 ? 0 : SHIFT < WS + 2 ? SHIFT : WS + 2;
    localparam FAR = WOUT + KB;
    localparam LEFT = SHIFT >= 0 ? 0
                    : OVERFLOW == 0 || -SHIFT < FAR ? -SHIFT : FAR;
    localparam WT = (WS + LEFT > KB + RIGHT ? WS + LEFT : KB + RIGHT) + 2;
    localparam WN = WT - RIGHT - 1;
    localparam A = WN > 1 ? WN - 1 : 1;
    localparam K = A + KB;

    wire [P*W-1:0] cell_data;
    wire cell_real, cell_valid, cell_ready;
    generate if (GLOBAL) begin : whole
        assign cell_data = in_data;
        assign cell_real = 1'b1;
        assign cell_valid = in_valid;
        assign in_ready = cell_ready;
    end else begin : window
        pta_cells #(.ROWS(ROWS), .COLS(COLS), .C(C), .P(P), .W(W), .KH(KH),
                    .KW(KW), .SH(SH), .SW(SW), .DH(DH), .DW(DW), .PT(PT),
                    .PB(PB), .PL(PL), .PR(PR), .DEPTH(DEPTH),
                    .BLOCK(BLOCK)) cells (
            .clk(clk), .rst(rst), .in_data(in_data), .in_valid(in_valid),
            .in_ready(in_ready), .out_data(cell_data), .out_real(cell_real),
            .out_valid(cell_valid), .out_ready(cell_ready));
    end endgenerate

    // Beat b of cell k; `count`: real cells before this one.
    reg [BW-1:0] b;
    reg [KB-1:0] k, count;
    wire [KB-1:0] count_now = count + cell_real;
    wire end_b = b == CB - 1;
    wire end_k = k == CELLS - 1;
    wire ready;
    assign cell_ready = ready || !end_k;
    wire move = cell_valid && cell_ready;
    always @(posedge clk) begin
        if (move) b <= end_b ? 0 : b + 1'b1;
        if (move && end_b) begin
            k <= end_k ? 0 : k + 1'b1;
            count <= end_k ? 0 : count_now;
        end
        if (rst) begin
            b <= 0;
            k <= 0;
            count <= 0;
        end
    end

    wire [P*WS-1:0] kept, next;
    generate if (CB == 1) begin : one
        reg [P*WS-1:0] q;
        always @(posedge clk) if (move) q <= next;
        assign kept = q;
    end else begin : many
        reg [P*WS-1:0] q [0:CB-1];
        always @(posedge clk) if (move) q[b] <= next;
        assign kept = q[b];
    end endgenerate

    // Stages: sum and count; n and M; product, twice.
    reg [3:0] valid;
    reg [KB-1:0] sum_count;
    always @(posedge clk) begin
        if (ready) begin
            valid <= {valid[2:0], cell_valid && end_k};
            sum_count <= count_now;
        end
        if (rst) valid <= 4'b0;
    end

    wire [K:0] m;
    generate if (PADDED) begin : counts
        reg [K:0] recip [0:CELLS];
        reg [K:0] q;
        integer c;
        initial begin
            recip[0] = 0;
            for (c = 1; c <= CELLS; c = c + 1)
                recip[c] = ({1'b1, {K{1'b0}}} + c - 1) / c;
        end
        always @(posedge clk) if (ready) q <= recip[sum_count];
        assign m = q;
    end else begin : fixed
        localparam [K:0] RECIP = ({1'b1, {K{1'b0}}} + CELLS - 1) / CELLS;
        assign m = RECIP;
    end endgenerate

    wire [P*WN-1:0] quotients;
    genvar i;
    generate for (i = 0; i < P; i = i + 1) begin : lane
        wire [W-1:0] raw = cell_data[i*W +: W];
        wire signed [WS-1:0] x = {{(WS-W){IN_SIGNED != 0 && raw[W-1]}}, raw};
        wire signed [WS-1:0] old = k == 0 ? 0 : kept[i*WS +: WS];
        assign next[i*WS +: WS] = old + x;

        reg signed [WS-1:0] sum;
        wire signed [WT-1:0] wide = sum;
        wire signed [WT-1:0] half = $signed({1'b0, sum_count});
        wire signed [WT-1:0] t = (wide <<< (LEFT + 1)) + (half <<< RIGHT);
        wire signed [WN-1:0] n = t >>> (RIGHT + 1);
        wire [WN-1:0] magnitude = n[WN-1] ? ~n : n;
        reg [A-1:0] a;
        reg [A+K:0] product, product_1;
        reg [2:0] sign;
        always @(posedge clk) if (ready) begin
            sum <= next[i*WS +: WS];
            a <= magnitude[A-1:0];
            product <= a * m;
            product_1 <= product;
            sign <= {sign[1:0], n[WN-1]};
        end
        wire [A:0] q = product_1[A+K:K];
        wire [WN-1:0] floor = {1'b0, q[A-1:0]};
        assign quotients[i*WN +: WN] = sign[2] ? ~floor : floor;
    end endgenerate

    pta_requant #(.P(P), .WIN(WN), .IN_SIGNED(1), .WOUT(WOUT),
                  .OUT_SIGNED(OUT_SIGNED), .SHIFT(0), .ROUNDING(0),
                  .OVERFLOW(OVERFLOW)) convert (
        .clk(clk), .rst(rst), .in_data(quotients), .in_valid(valid[3]),
        .in_ready(ready), .out_data(out_data), .out_valid(out_valid),
        .out_ready(out_ready));
endmodule
`default_nettype wire
