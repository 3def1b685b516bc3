// A core that gives back its two inputs: shell, unpack, pack, registers, and one
// weight memory of 5 words of 40 bits to write and read. The first input has 21
// elements of 8 bits, the second 22 of 16.
`default_nettype none
module loopback (
    input  wire        aclk, aresetn,
    input  wire [63:0] s_axis_tdata,
    input  wire        s_axis_tvalid, s_axis_tlast,
    output wire        s_axis_tready,
    output wire [63:0] m_axis_tdata,
    output wire        m_axis_tvalid, m_axis_tlast,
    input  wire        m_axis_tready,
    input  wire [11:0] s_axi_awaddr,
    input  wire        s_axi_awvalid,
    output wire        s_axi_awready,
    input  wire [31:0] s_axi_wdata,
    input  wire [3:0]  s_axi_wstrb,
    input  wire        s_axi_wvalid,
    output wire        s_axi_wready,
    output wire [1:0]  s_axi_bresp,
    output wire        s_axi_bvalid,
    input  wire        s_axi_bready,
    input  wire [11:0] s_axi_araddr,
    input  wire        s_axi_arvalid,
    output wire        s_axi_arready,
    output wire [31:0] s_axi_rdata,
    output wire [1:0]  s_axi_rresp,
    output wire        s_axi_rvalid,
    input  wire        s_axi_rready
);
    reg rst;
    always @(posedge aclk) rst <= !aresetn;

    wire core_rst, start, sample_done, all_done, early, missing;
    wire [31:0] samples, mem_address;
    wire [15:0] mem_select;
    wire mem_write, mem_read;
    wire [63:0] mem_data;
    reg [63:0] mem_q;
    pta_regs #(
        .CAPABILITIES(32'h3), .CLOCK(100000000),
        .DIGEST(128'h00070e151c232a31383f464d545b6269),
        .WEIGHTS(128'h0009121b242d363f48515a636c757e87),
        .RAM(1), .N_MEM(1), .LANES(2), .MEM_DEPTH(32'd5), .MEM_LANES(16'd2)
    ) regs (
        .clk(aclk), .rst(rst), .core_rst(core_rst), .start(start),
        .s_axi_awaddr(s_axi_awaddr), .s_axi_awvalid(s_axi_awvalid),
        .s_axi_awready(s_axi_awready), .s_axi_wdata(s_axi_wdata),
        .s_axi_wvalid(s_axi_wvalid), .s_axi_wready(s_axi_wready),
        .s_axi_bresp(s_axi_bresp), .s_axi_bvalid(s_axi_bvalid),
        .s_axi_bready(s_axi_bready), .s_axi_araddr(s_axi_araddr),
        .s_axi_arvalid(s_axi_arvalid), .s_axi_arready(s_axi_arready),
        .s_axi_rdata(s_axi_rdata), .s_axi_rresp(s_axi_rresp),
        .s_axi_rvalid(s_axi_rvalid), .s_axi_rready(s_axi_rready),
        .samples(samples), .in_valid(s_axis_tvalid), .in_ready(s_axis_tready),
        .out_valid(m_axis_tvalid), .out_ready(m_axis_tready),
        .sample_done(sample_done), .all_done(all_done), .early(early),
        .missing(missing), .mem_select(mem_select), .mem_address(mem_address),
        .mem_write(mem_write), .mem_read(mem_read), .mem_data(mem_data),
        .mem_q(mem_q));

    reg [39:0] memory [0:4];
    initial $readmemh("loopback_weights.hex", memory);
    always @(posedge aclk) begin
        if (mem_write) memory[mem_address] <= mem_data[39:0];
        mem_q <= {24'd0, memory[mem_address]};
    end

    localparam BEATS = {32'd6, 32'd3};
    wire [63:0] data;
    wire [1:0] valid, ready;
    pta_shell_in #(.N(2), .BEATS(BEATS)) shell_in (
        .clk(aclk), .rst(core_rst), .start(start), .samples(samples),
        .in_data(s_axis_tdata), .in_valid(s_axis_tvalid),
        .in_last(s_axis_tlast), .in_ready(s_axis_tready), .out_data(data),
        .out_valid(valid), .out_ready(ready), .early(early), .missing(missing));

    wire [8*8-1:0] bytes;
    wire [4*16-1:0] words;
    wire [127:0] packed_data;
    pta_unpack #(.W(8), .BYTES(1)) unpack0 (.in_data(data), .out_data(bytes));
    pta_unpack #(.W(16), .BYTES(2)) unpack1 (.in_data(data), .out_data(words));
    pta_pack #(.W(8), .BYTES(1)) pack0 (
        .in_data(bytes), .out_data(packed_data[63:0]));
    pta_pack #(.W(16), .BYTES(2)) pack1 (
        .in_data(words), .out_data(packed_data[127:64]));

    pta_shell_out #(.N(2), .BEATS(BEATS)) shell_out (
        .clk(aclk), .rst(core_rst), .start(start), .samples(samples),
        .in_data(packed_data), .in_valid(valid), .in_ready(ready),
        .out_data(m_axis_tdata), .out_valid(m_axis_tvalid),
        .out_last(m_axis_tlast), .out_ready(m_axis_tready),
        .sample_done(sample_done), .all_done(all_done));
endmodule
`default_nettype wire
