// FIFO of DEPTH beats.
//
// Ports: in, out: W bits a beat.
// Parameters: DEPTH >= 1 beats held (BLOCK: 3 more); BLOCK 0: LUT RAM, for up to some
// 64 beats; 1: block RAM.
// Timing: a beat leaves an empty FIFO 1 (BLOCK: 3) cycles after it came;
// interval 1 cycle a beat if DEPTH >= 2 (DEPTH 1: 2 cycles).
// Resources: BLOCK 0: LUT RAM of DEPTH x W (2 W / 3 LUT up to 32 beats, 4 W / 3
// up to 64); 1: block RAM of DEPTH x W, 3 W FF.
`default_nettype none
module pta_fifo #(
    parameter W = 8,
    parameter DEPTH = 16,
    parameter BLOCK = 0
) (
    input  wire         clk, rst,
    input  wire [W-1:0] in_data,
    input  wire         in_valid,
    output wire         in_ready,
    output wire [W-1:0] out_data,
    output wire         out_valid,
    input  wire         out_ready
);
    localparam AW = DEPTH > 1 ? $clog2(DEPTH) : 1;

    reg [AW:0] used;
    wire full = used == DEPTH;
    wire push = in_valid && !full;
    assign in_ready = !full;

    // A ring; `used` beats are written and not read.
    reg [AW-1:0] head, tail;
    wire read;
    always @(posedge clk) begin
        if (push) tail <= tail == DEPTH - 1 ? 0 : tail + 1'b1;
        if (read) head <= head == DEPTH - 1 ? 0 : head + 1'b1;
        if (rst) begin
            head <= 0;
            tail <= 0;
        end
    end

    always @(posedge clk)
        if (rst) used <= 0;
        else used <= used + push - read;

    generate if (BLOCK == 0) begin : lut
        reg [W-1:0] beats [0:DEPTH-1];
        always @(posedge clk) if (push) beats[tail] <= in_data;
        assign out_data = beats[head];
        assign out_valid = used != 0;
        assign read = out_valid && out_ready;
    end else begin : block
        // A read takes a cycle, and its beat leaves through a pta_skid.
        (* ram_style = "block" *) reg [W-1:0] beats [0:DEPTH-1];
        reg [W-1:0] q;
        reg q_valid;
        wire skid_ready;
        assign read = used != 0 && (!q_valid || skid_ready);
        always @(posedge clk) begin
            if (push) beats[tail] <= in_data;
            if (read) q <= beats[head];
            if (rst) q_valid <= 1'b0;
            else if (read) q_valid <= 1'b1;
            else if (skid_ready) q_valid <= 1'b0;
        end
        pta_skid #(.W(W)) out_skid (
            .clk(clk), .rst(rst), .in_data(q), .in_valid(q_valid),
            .in_ready(skid_ready), .out_data(out_data), .out_valid(out_valid),
            .out_ready(out_ready));
    end endgenerate
endmodule
`default_nettype wire
