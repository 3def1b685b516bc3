// Matrix-vector unit, int8: two products in one DSP48E1.
//
// Ports, parameters, files and folding as pta_mvu, but WX, WW <= 8, no weight is
// -128 (the least of WW bits), and LC <= 4 (X_SIGNED 0: <= 2): pta_products_packed.
//
// Timing: with lc = min(LC, SIMD), T = ceil(log2(ceil(SIMD / lc))):
//   latency, first beat in to last beat out = steps + T + lc + 6 (lc 1: 6)
//   interval = steps
// Resources: ceil(PE / 2) * SIMD DSP; weights PE * SIMD * WW x steps.
`default_nettype none
module pta_mvu_packed #(
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
    localparam AFTER = LEN == 1 ? 4 : 4 + LEN;
    localparam ROOM = 1 << $clog2(AFTER + $clog2(CHAINS) + 6);
    localparam SW = 18;

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
    pta_products_packed #(.PE(PE), .SIMD(SIMD), .WX(WX), .X_SIGNED(X_SIGNED),
        .WW(WW), .LC(LC)) products (
        .clk(clk), .x(x), .w(w), .parts(parts));

    pta_mvu_sums #(.PE(PE), .PARTS(CHAINS), .SW(SW), .WACC(WACC), .MG(MG),
                   .NG(NG), .ORDER(ORDER), .AFTER(AFTER), .ROOM(ROOM), .RAM(RAM),
                   .B_FILE(B_FILE)) sums (
        .clk(clk), .rst(rst), .step_valid(step_valid), .step_first(step_first),
        .step_last(step_last), .step_row(step_row), .parts(parts), .pop(pop),
        .out_data(out_data), .out_valid(out_valid), .out_ready(out_ready),
        .mem_read(mem_read), .mem_address(mem_address), .b_write(b_write),
        .b_data(b_data), .b_q(b_q));
endmodule
`default_nettype wire
