// Back of a matrix-vector unit: adds the parts of each row, accumulates them
// from the bias on, and puts finished groups of rows in a FIFO.
// Part of pta_mvu and pta_mvu_packed, which explain the parameters.
//
// parts: PARTS signed numbers of SW bits for each of PE rows, part k of row r at
// bit (k * PE + r) * SW, AFTER cycles after their step. Timing: a tree of
// T = ceil(log2(PARTS)) registers, then the FIFO is written. With IN_DSP (one
// part, a product register, and one accumulator a row) the accumulator is the
// DSP's own and the FIFO is written a cycle later.
`default_nettype none
module pta_mvu_sums #(
    parameter PE = 2,
    parameter PARTS = 2,
    parameter SW = 18,
    parameter WACC = 24,
    parameter MG = 2,
    parameter NG = 2,
    parameter ORDER = 0,
    parameter AFTER = 4,
    parameter IN_DSP = 0,
    parameter ROOM = 16,
    parameter RAM = 0,
    parameter B_FILE = "b.hex",
    parameter RW = MG > 1 ? $clog2(MG) : 1
) (
    input  wire                   clk, rst,
    input  wire                   step_valid, step_first, step_last,
    input  wire [RW-1:0]          step_row,
    input  wire [PARTS*PE*SW-1:0] parts,
    output wire                   pop,
    output wire [PE*WACC-1:0]     out_data,
    output wire                   out_valid,
    input  wire                   out_ready,
    input  wire                   mem_read, b_write,
    input  wire [31:0]            mem_address,
    input  wire [PE*WACC-1:0]     b_data,
    output wire [PE*WACC-1:0]     b_q
);
    localparam T = $clog2(PARTS);
    localparam TW = SW + T;
    localparam L = AFTER + T; // cycles from step to sum; at least 2

    wire [PE*TW-1:0] sums;
    pta_tree #(.PE(PE), .PARTS(PARTS), .SW(SW)) tree (
        .clk(clk), .parts(parts), .sums(sums));

    // What the step was, when its sums are there; the bias a cycle before.
    wire valid, first, last;
    wire [RW-1:0] bias_row, row;
    reg [L-1:0] valids;
    always @(posedge clk) valids <= rst ? 0 : {valids, step_valid};
    assign valid = valids[L-1];
    pta_delay #(.W(2), .N(L)) flags (
        .clk(clk), .in({step_first, step_last}), .out({first, last}));
    pta_delay #(.W(RW), .N(L-1)) rows (
        .clk(clk), .in(step_row), .out(bias_row));
    pta_delay #(.W(RW), .N(1)) rows_1 (
        .clk(clk), .in(bias_row), .out(row));
    wire [PE*WACC-1:0] bias;
    pta_ram #(.W(PE*WACC), .DEPTH(MG), .RAM(RAM), .FILE(B_FILE)) biases (
        .clk(clk), .addr(bias_row), .q(bias), .mem_read(mem_read),
        .mem_address(mem_address), .write(b_write), .data(b_data));
    assign b_q = RAM != 0 ? bias : 0;

    wire [PE*WACC-1:0] old, next;
    genvar r;
    generate
        for (r = 0; r < PE; r = r + 1) begin : acc
            wire signed [TW-1:0] sum = sums[r*TW +: TW];
            wire signed [WACC-1:0] wide = sum;
            assign next[r*WACC +: WACC] =
                (first ? bias[r*WACC +: WACC] : old[r*WACC +: WACC]) + wide;
        end
        if (NG == 1) begin : none
            assign old = 0; // every step is a first one
        end else if (ORDER != 0 && MG > 1) begin : many
            reg [PE*WACC-1:0] q [0:MG-1];
            always @(posedge clk) if (valid) q[row] <= next;
            assign old = q[row];
        end else if (IN_DSP == 0) begin : one
            reg [PE*WACC-1:0] q;
            always @(posedge clk) if (valid) q <= next;
            assign old = q;
        end
    endgenerate

    wire done, in_ready;
    wire [PE*WACC-1:0] result;
    generate if (IN_DSP != 0) begin : dsp
        reg [PE*WACC-1:0] q;
        reg q_done;
        always @(posedge clk) begin
            if (valid) q <= next;
            q_done <= valid && last && !rst;
        end
        if (NG > 1) assign old = q;
        assign result = q;
        assign done = q_done;
    end else begin : fabric
        assign result = next;
        assign done = valid && last;
    end endgenerate

    // Steps are issued so that it never overflows.
    pta_fifo #(.W(PE*WACC), .DEPTH(ROOM)) results (
        .clk(clk), .rst(rst), .in_data(result), .in_valid(done),
        .in_ready(in_ready), .out_data(out_data), .out_valid(out_valid),
        .out_ready(out_ready));
    assign pop = out_valid && out_ready;
endmodule
`default_nettype wire
