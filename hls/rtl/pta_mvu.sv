// Matrix-vector unit: y = W x + bias, one DSP48E1 a multiplier.
//
// Ports: in: vectors of N elements of WX bits, SIMD a beat; out: vectors of M
// accumulators of WACC bits, PE a beat. No rounding: pta_requant follows, or
// nothing for partial sums (whose bias is zero).
//
// A step multiplies SIMD elements of x with PE rows of W. ORDER 0: rows
// outer (x is kept and read MG times, results leave during the computation);
// 1: columns outer (x is used as it comes, one accumulator a row, results leave
// at the end). Alternating orders, neighbours overlap.
//   NG = ceil(N / SIMD), MG = ceil(M / PE), steps = NG * MG
//
// W_FILE: one word a step, in that order; weight of row r, column s of the step
// at bit (s * PE + r) * WW; zeros beyond M and N. B_FILE: MG words of PE biases
// of WACC bits. WACC holds every result; sums wrap on the way, which is exact.
// BLOCK 0: weights in LUTs, 1: in block RAM. RAM 1: both memories are writable
// through mem_*, w_*, b_* (docs/accelerators.md), 0: these ports do nothing. LC: DSPs in a chain: longer is
// fewer LUTs and more latency.
//
// Timing: with lc = min(LC, SIMD), T = ceil(log2(ceil(SIMD / lc))):
//   latency, first beat in to last beat out = steps + T + (lc == 1 ? 4 : lc + 4),
//   and 1 more if SIMD == 1 and (ORDER == 0 or MG == 1)
//   interval = steps
// Resources: PE * SIMD DSP if WX + !X_SIGNED <= 18, WW <= 25 or the other way
// round and the product has 9 bits; weights PE * SIMD * WW x steps.
`default_nettype none
module pta_mvu #(
    parameter M = 4,
    parameter N = 8,
    parameter PE = 2,
    parameter SIMD = 2,
    parameter WX = 8,
    parameter X_SIGNED = 1,
    parameter WW = 8,
    parameter WACC = 24,
    parameter ORDER = 0,
    parameter BLOCK = 0,
    parameter RAM = 0,
    parameter LC = 4,
    parameter W_FILE = "w.hex",
    parameter B_FILE = "b.hex"
) (
    input  wire               clk, rst,
    input  wire [SIMD*WX-1:0] in_data,
    input  wire               in_valid,
    output wire               in_ready,
    output wire [PE*WACC-1:0] out_data,
    output wire               out_valid,
    input  wire               out_ready,
    input  wire               mem_read, w_write, b_write,
    input  wire [31:0]        mem_address,
    input  wire [SIMD*PE*WW-1:0] w_data,
    output wire [SIMD*PE*WW-1:0] w_q,
    input  wire [PE*WACC-1:0] b_data,
    output wire [PE*WACC-1:0] b_q
);
    localparam NG = (N + SIMD - 1) / SIMD;
    localparam MG = (M + PE - 1) / PE;
    localparam RW = MG > 1 ? $clog2(MG) : 1;
    localparam LEN = LC < SIMD ? LC : SIMD;
    localparam CHAINS = (SIMD + LEN - 1) / LEN;
    localparam AFTER = LEN == 1 ? 2 : 2 + LEN;
    localparam IN_DSP = SIMD == 1 && (ORDER == 0 || MG == 1);
    // Results under way at full rate: one a cycle, all the way round.
    localparam ROOM = 1 << $clog2(AFTER + $clog2(CHAINS) + 6);
    localparam XB = X_SIGNED != 0 ? WX : WX + 1;
    localparam SW = XB + WW + $clog2(LEN);

    wire step_valid, step_first, step_last, pop;
    wire [RW-1:0] step_row;
    wire [SIMD*WX-1:0] x;
    wire [SIMD*PE*WW-1:0] w;
    pta_mvu_steps #(.NG(NG), .MG(MG), .XW(SIMD*WX), .WW(SIMD*PE*WW),
                    .ORDER(ORDER), .BLOCK(BLOCK), .RAM(RAM), .ROOM(ROOM),
                    .W_FILE(W_FILE)) steps (
        .clk(clk), .rst(rst), .in_data(in_data), .in_valid(in_valid),
        .in_ready(in_ready), .step_valid(step_valid), .step_first(step_first),
        .step_last(step_last), .step_row(step_row), .x(x), .w(w), .pop(pop),
        .mem_read(mem_read), .mem_address(mem_address), .w_write(w_write),
        .w_data(w_data));
    assign w_q = RAM != 0 ? w : 0;

    wire [CHAINS*PE*SW-1:0] parts;
    pta_products #(.PE(PE), .SIMD(SIMD), .WX(WX), .X_SIGNED(X_SIGNED),
        .WW(WW), .LC(LC)) products (
        .clk(clk), .x(x), .w(w), .parts(parts));

    pta_mvu_sums #(.PE(PE), .PARTS(CHAINS), .SW(SW), .WACC(WACC), .MG(MG),
                   .NG(NG), .ORDER(ORDER), .AFTER(AFTER), .IN_DSP(IN_DSP),
                   .ROOM(ROOM), .RAM(RAM), .B_FILE(B_FILE)) sums (
        .clk(clk), .rst(rst), .step_valid(step_valid), .step_first(step_first),
        .step_last(step_last), .step_row(step_row), .parts(parts), .pop(pop),
        .out_data(out_data), .out_valid(out_valid), .out_ready(out_ready),
        .mem_read(mem_read), .mem_address(mem_address), .b_write(b_write),
        .b_data(b_data), .b_q(b_q));
endmodule
`default_nettype wire
