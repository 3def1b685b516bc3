// W bits, N >= 0 cycles later. Not a stream: no handshake, no reset.
//
// Resources: N 0: none; 1: W FF; more: W SRL16E (N <= 16).
`default_nettype none
module pta_delay #(
    parameter W = 8,
    parameter N = 1
) (
    input  wire         clk,
    input  wire [W-1:0] in,
    output wire [W-1:0] out
);
    generate if (N == 0) begin : none
        assign out = in;
    end else if (N == 1) begin : one
        reg [W-1:0] q;
        always @(posedge clk) q <= in;
        assign out = q;
    end else begin : line
        reg [N*W-1:0] q;
        always @(posedge clk) q <= {q[(N-1)*W-1:0], in};
        assign out = q[(N-1)*W +: W];
    end endgenerate
endmodule
`default_nettype wire
