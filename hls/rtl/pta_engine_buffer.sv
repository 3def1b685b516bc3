// Activations of the reused engine: vectors written UNITS units at a time and read
// BANKS units at a time, in two halves. Part of pta_engine.
//
// Unit u of a vector is in bank u % BANKS, row u / BANKS, so a read is one row of
// all banks and a write goes to UNITS banks next to each other, turned by `base`.
// write: puts the next units of the vector in half `to`, `end_vector` the last.
// rows: rows of it that are complete, ROWS at most. q: row `row` of half `from`,
// in the same cycle. UNITS <= BANKS.
// Resources: LUT RAM of BANKS x 2 ROWS x W; about BANKS (W UNITS / 4 + 5) LUT.
`default_nettype none
module pta_engine_buffer #(
    parameter UNITS = 2,
    parameter BANKS = 4,
    parameter W = 8,        // bits of a unit
    parameter ROWS = 4,
    parameter RB = $clog2(ROWS + 1)
) (
    input  wire               clk, rst,
    input  wire               write, end_vector, to,
    input  wire [UNITS*W-1:0] data,
    output reg  [RB-1:0]      rows,
    input  wire               from,
    input  wire [RB-1:0]      row,
    output wire [BANKS*W-1:0] q
);
    localparam BB = BANKS > 1 ? $clog2(BANKS) : 1;
    localparam UB = UNITS > 1 ? $clog2(UNITS) : 1;
    localparam AB = ROWS > 1 ? $clog2(ROWS) : 0;

    reg [BB-1:0] base;
    wire [BB:0] next = base + UNITS;
    wire wraps = next >= BANKS;
    always @(posedge clk)
        if (rst || write && end_vector) begin
            base <= 0;
            rows <= 0;
        end else if (write) begin
            base <= wraps ? next - BANKS : next;
            rows <= rows + wraps;
        end

    wire [RB-1:0] rows_1 = rows + 1'b1;
    genvar b;
    generate for (b = 0; b < BANKS; b = b + 1) begin : bank
        // Which unit of the data is this bank's, all functions of base.
        wire [BB:0] unit = b >= base ? b - base : b + BANKS - base;
        wire hit = unit < UNITS;
        wire [UB-1:0] which = hit ? unit : 0;
        wire [W-1:0] mine = data[which*W +: W];
        wire [AB:0] put, get;
        if (AB == 0) begin : single
            assign put = to;
            assign get = from;
        end else begin : several
            wire [RB-1:0] at = b < base ? rows_1 : rows;
            assign put = {to, at[AB-1:0]};
            assign get = {from, row[AB-1:0]};
        end
        reg [W-1:0] word [0:(2<<AB)-1];
        always @(posedge clk) if (write && hit) word[put] <= mine;
        assign q[b*W +: W] = word[get];
    end endgenerate
endmodule
`default_nettype wire
