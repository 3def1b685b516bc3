// Front of a matrix-vector unit: takes vectors in, gives out one step a cycle.
// Part of pta_mvu and pta_mvu_packed, which explain folding and parameters.
//
// A vector is NG beats (groups of columns), the result MG groups of rows. ORDER
// 0 runs through all columns for each group of rows, so the vector is kept in a
// buffer of two vectors: the next comes in meanwhile. ORDER 1 runs through all
// rows for each beat, which waits in a buffer of two beats.
//
// A step, one cycle after it was issued: step_valid, the beat x, the word w of
// weights (in the order of steps, so its address just counts), the group of
// rows, and whether it is the first or the last of those rows. A last step is
// issued only if ROOM results are not under way already; pop says that one left.
`default_nettype none
module pta_mvu_steps #(
    parameter NG = 4,
    parameter MG = 2,
    parameter XW = 16,      // bits of a beat
    parameter WW = 32,      // bits of a word of weights
    parameter ORDER = 0,
    parameter BLOCK = 0,
    parameter RAM = 0,
    parameter ROOM = 16,
    parameter W_FILE = "w.hex",
    parameter RW = MG > 1 ? $clog2(MG) : 1
) (
    input  wire          clk, rst,
    input  wire [XW-1:0] in_data,
    input  wire          in_valid,
    output wire          in_ready,
    output reg           step_valid, step_first, step_last,
    output reg  [RW-1:0] step_row,
    output reg  [XW-1:0] x,
    output wire [WW-1:0] w,
    input  wire          pop,
    input  wire          mem_read, w_write,
    input  wire [31:0]   mem_address,
    input  wire [WW-1:0] w_data
);
    localparam HOLD = ORDER == 0 && MG > 1;      // a vector is read again
    localparam UNIT = HOLD ? NG : 1;             // beats freed at a time
    localparam CW = NG > 1 ? $clog2(NG) : 1;
    localparam BW = $clog2(2 * UNIT + 1);
    localparam UW = UNIT > 1 ? $clog2(UNIT) : 0; // bits within a half
    localparam AW = NG * MG > 1 ? $clog2(NG * MG) : 1;

    // Where the next step is.
    reg [CW-1:0] col;
    reg [RW-1:0] row;
    reg [AW-1:0] addr;
    wire last_col = col == NG - 1;
    wire last_row = row == MG - 1;

    reg [BW-1:0] beats; // in the buffer, those of the present vector included
    reg [$clog2(ROOM+1)-1:0] room;
    wire here = HOLD ? beats > col : beats != 0;
    wire go = here && (!last_col || room != 0);
    wire free = go && last_row && (!HOLD || last_col);
    wire push = in_valid && in_ready;
    assign in_ready = beats != 2 * UNIT;

    always @(posedge clk) begin
        if (go && (ORDER == 0 || last_row)) col <= last_col ? 0 : col + 1'b1;
        if (go && (ORDER != 0 || last_col)) row <= last_row ? 0 : row + 1'b1;
        if (go) addr <= last_col && last_row ? 0 : addr + 1'b1;
        beats <= beats + push - (free ? UNIT : 0);
        room <= room + pop - (go && last_col);
        step_valid <= go;
        step_first <= col == 0;
        step_last <= last_col;
        step_row <= row;
        if (rst) begin
            col <= 0;
            row <= 0;
            addr <= 0;
            beats <= 0;
            room <= ROOM;
            step_valid <= 1'b0;
        end
    end

    // The buffer: two halves of UNIT beats.
    reg [XW-1:0] buffer [0:(2<<UW)-1];
    reg [CW-1:0] in_col;
    reg in_half, half;
    wire in_end = !HOLD || in_col == NG - 1;
    wire [UW:0] in_at, at;
    generate if (UW == 0) begin : single
        assign in_at = in_half;
        assign at = half;
    end else begin : double
        assign in_at = {in_half, in_col};
        assign at = {half, col};
    end endgenerate
    always @(posedge clk) begin
        if (push) buffer[in_at] <= in_data;
        x <= buffer[at];
        if (push) in_col <= in_end ? 0 : in_col + 1'b1;
        if (push && in_end) in_half <= !in_half;
        if (free) half <= !half;
        if (rst) begin
            in_col <= 0;
            in_half <= 1'b0;
            half <= 1'b0;
        end
    end

    pta_ram #(.W(WW), .DEPTH(NG * MG), .BLOCK(BLOCK), .RAM(RAM),
              .FILE(W_FILE)) weights (
        .clk(clk), .addr(addr), .q(w), .mem_read(mem_read),
        .mem_address(mem_address), .write(w_write), .data(w_data));
endmodule
`default_nettype wire
